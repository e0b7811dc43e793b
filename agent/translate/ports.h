// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>

#include "agent/translate/address_rules.h"
#include "agent/translate/gateway_state.h"

namespace slipgate {

// Ports of one Gateway, so that those who may add ListenerSets to it cannot leave other Gateways without room. With 16
// addresses, as many as a Gateway may have, they take half of the map of VIPs. Listeners that share a port cost
// nothing.
inline constexpr std::size_t kMaxPortsOfGateway = 128;

// Which Gateway has which port of which address: two that want one do not share it, the first has it. What the node
// does not lend, or something else on it has, nobody has.
class PortOwners {
  public:
    // `unavailable`: what the host cannot listen on, and why. Borrows both.
    PortOwners(const AddressRules& rules, const UnavailablePorts& unavailable)
        : rules_(rules), unavailable_(unavailable) {}

    // For the listeners of a Gateway, or of a ListenerSet that joined it: those that come too late are PortUnavailable,
    // those with one port too many TooManyListeners. A ListenerSet may be from a namespace that must not know the
    // other Gateway: then messages do not name it.
    enum class Named { no, yes };
    void claim(const GatewayState& gateway, ListenerStates& listeners, Named named);

    // What the host is to listen on: the ports that somebody has, and those somebody would have if the host could.
    [[nodiscard]] std::set<SocketAddress> to_listen_on() const;

  private:
    [[nodiscard]] std::string refusal(const SocketAddress& vip, const std::string& gateway, Named named);

    const AddressRules& rules_;
    const UnavailablePorts& unavailable_;
    std::set<SocketAddress> missed_;                        // because of the host
    std::map<SocketAddress, std::string> owners_;           // key of the Gateway
    std::map<std::string, std::set<std::uint16_t>> ports_;  // by key of the Gateway
};

}  // namespace slipgate
