// SPDX-License-Identifier: Apache-2.0
// What the kernel's routing says about the way to an endpoint.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/result.h"
#include "agent/datapath/interfaces.h"
#include "agent/datapath/reconcile.h"
#include "agent/netlink/netlink.h"

namespace slipgate {

struct Route {
    bool local = false;               // the address is one of this namespace
    bool broadcast = false;           // it is that of a whole network
    int ifindex = 0;                  // where packets leave
    std::uint32_t mtu = 0;            // as configured for the route itself; 0: that of the interface
    std::optional<IpAddress> source;  // the address the kernel would send from
    std::string none;                 // why there is no route; empty: there is one
};

// RTM_GETROUTE. That there is no route is an answer too; an error is one of the asking, and says nothing of the route.
[[nodiscard]] Result<Route> lookup_route(NetlinkSocket& netlink, const IpAddress& destination);

// The way to an endpoint over interfaces that carry the program, or why it must not be spliced to; unknown while its
// route is. Pure.
[[nodiscard]] tl::expected<EndpointWay, NoWay> judge_way(const IpAddress& endpoint, const Result<Route>& route,
                                                         const std::vector<Interface>& attached);

// Bytes of IP and TCP header without options.
[[nodiscard]] constexpr std::uint32_t header_bytes(bool ipv4) {
    return ipv4 ? 40 : 60;
}

// The largest segment that fits every attached interface, for the SYN-ACKs of VIPs. 536 at least (RFC 9293 3.7.1).
[[nodiscard]] VipMss lowest_mss(const std::vector<Interface>& attached);

}  // namespace slipgate
