// SPDX-License-Identifier: Apache-2.0
// Why an endpoint of the routing table is no candidate. Declared once: a new cause is a line in the enum and a row
// here, and it shows in conditions, metrics and the log.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace slipgate {

// In the order in which they are looked for, so an endpoint has one. Where several endpoints have several, the first in
// this order names the condition.
enum class Exclusion : std::uint8_t {
    kAnswersElsewhere,
    kGatewayAddress,
    kUnspecifiedAddress,
    kLoopbackAddress,
    kLinkLocalAddress,
    kMulticastAddress,
    kNoRoute,
    kLocalAddress,
    kBroadcastAddress,
    kInterfaceNotAttached,
    kNoSourceAddress,
    kNoResources,
};

struct ExclusionText {
    Exclusion exclusion;
    std::string_view reason;   // of conditions and metrics
    std::string_view meaning;  // completes "endpoint 10.0.0.7:8443 left out: ..."
    std::string_view remedy;   // for the operator
};

inline constexpr std::array kExclusions = {
    ExclusionText{Exclusion::kAnswersElsewhere, "AnswersElsewhere",
                  "its answers to clients do not come back through this node, as source mode preserve-only needs",
                  "run it on this node, declare its network by --preserve-cidr, or use source mode preserve"},
    ExclusionText{Exclusion::kGatewayAddress, "GatewayAddress", "an address of a Gateway, connections would come back",
                  "point the Service at the servers themselves"},
    ExclusionText{Exclusion::kUnspecifiedAddress, "UnspecifiedAddress", "an unspecified address (0.0.0.0/8 or ::)",
                  "give the EndpointSlice the endpoint's own address"},
    ExclusionText{Exclusion::kLoopbackAddress, "LoopbackAddress", "a loopback address",
                  "give the EndpointSlice an address that other hosts reach"},
    ExclusionText{Exclusion::kLinkLocalAddress, "LinkLocalAddress", "a link-local address",
                  "give the EndpointSlice an address that routers forward"},
    ExclusionText{Exclusion::kMulticastAddress, "MulticastAddress", "a multicast or limited broadcast address",
                  "give the EndpointSlice the endpoint's own address"},
    ExclusionText{Exclusion::kNoRoute, "NoRoute", "the gateway has no route to it",
                  "add one, see `ip route get ADDRESS` on the gateway"},
    ExclusionText{Exclusion::kLocalAddress, "LocalAddress", "an address of the gateway's own network namespace",
                  "run the endpoint elsewhere or in a network namespace of its own (no hostNetwork)"},
    ExclusionText{Exclusion::kBroadcastAddress, "BroadcastAddress", "the broadcast address of a network",
                  "give the EndpointSlice the endpoint's own address"},
    ExclusionText{Exclusion::kInterfaceNotAttached, "InterfaceNotAttached",
                  "its route leaves by an interface that does not carry the data path",
                  "add it to --interface; the log says of each interface why it does not carry it"},
    ExclusionText{Exclusion::kNoSourceAddress, "NoSourceAddress", "the gateway has no source address towards it",
                  "give the interface of its route an address of that family"},
    ExclusionText{Exclusion::kNoResources, "NoResources", "the data path's tables have no room for it",
                  "fewer endpoints per Service, fewer networks"},
};

[[nodiscard]] constexpr const ExclusionText& text_of(Exclusion exclusion) {
    return kExclusions[static_cast<std::size_t>(exclusion)];
}

static_assert(
    [] {
        for (std::size_t i = 0; i < kExclusions.size(); ++i) {
            if (kExclusions[i].exclusion != static_cast<Exclusion>(i)) return false;
        }
        return kExclusions.back().exclusion == Exclusion::kNoResources;
    }(),
    "one row for each Exclusion, in its order");

}  // namespace slipgate
