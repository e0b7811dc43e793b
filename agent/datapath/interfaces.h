// SPDX-License-Identifier: Apache-2.0
// The interfaces of this network namespace, and which of them carry the program.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/result.h"
#include "agent/datapath/interface_problem.h"
#include "agent/netlink/netlink.h"

namespace slipgate {

// What is in front of the IP header of a packet.
enum class Framing {
    kEthernet,
    kNone,  // tun, WireGuard, ipip, sit, gre
    kOther,
};

struct Interface {
    std::string name;
    int ifindex = 0;
    std::uint32_t mtu = 0;  // bytes, from the IP header on
    Framing framing = Framing::kOther;
    bool loopback = false;
    bool bond_slave = false;  // its packets are seen on the bond

    bool operator==(const Interface&) const = default;
};

[[nodiscard]] Result<std::vector<Interface>> list_interfaces(NetlinkSocket& netlink);

struct InterfaceChoice {
    std::vector<Interface> chosen;
    std::vector<InterfaceProblem> refused;  // asked for, or carrying traffic, but unsuited
};

// `wanted` empty: every suited interface. Pure.
[[nodiscard]] InterfaceChoice choose_interfaces(const std::vector<Interface>& all,
                                                const std::vector<std::string>& wanted);

}  // namespace slipgate
