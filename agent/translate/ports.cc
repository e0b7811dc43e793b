// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/ports.h"

#include <fmt/format.h>

namespace slipgate {

// All listeners are to answer on all addresses, so a port is taken on every one of them or not at all.
void PortOwners::claim(const GatewayState& gateway, ListenerStates& listeners, Named named) {
    const auto key = key_of(gateway.spec->meta);
    auto& ports = ports_[key];
    for (auto& listener : listeners) {
        if (!listener.accepted.ok()) continue;
        std::string taken;
        for (const auto& address : gateway.addresses) {
            const auto owner = owners_.find({address, listener.spec->port});
            if (owner == owners_.end() || owner->second == key) continue;
            const auto whom = named == Named::yes ? "Gateway " + owner->second : "another Gateway";
            append(taken, owner->first.to_string() + " belongs to " + whom, ", ");
        }
        if (!taken.empty()) {
            listener.accepted = failed("PortUnavailable", taken);
            continue;
        }
        if (ports.size() >= kMaxPortsOfGateway && !ports.contains(listener.spec->port)) {
            listener.accepted =
                failed("TooManyListeners", fmt::format("the Gateway has {} ports, and takes no other", ports.size()));
            continue;
        }
        ports.insert(listener.spec->port);
        for (const auto& address : gateway.addresses) owners_.emplace(SocketAddress{address, listener.spec->port}, key);
    }
}

}  // namespace slipgate
