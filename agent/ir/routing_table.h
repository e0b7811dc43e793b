// SPDX-License-Identifier: Apache-2.0
// The translator's result for the data plane, in data-plane words only: no Kubernetes meaning is left.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/address.h"

namespace slipgate {

// One weighted share of a route.
struct WeightedBackend {
    std::optional<std::string>
        backend;               // key of RoutingTable::backends; none: an invalid backendRef, its share is refused
    std::uint32_t weight = 1;  // 0 .. 1,000,000

    auto operator<=>(const WeightedBackend&) const = default;
};

// Connections whose name leads here are split over `backends` by weight.
struct RouteEntry {
    std::vector<WeightedBackend> backends;  // 1 .. 16

    auto operator<=>(const RouteEntry&) const = default;
};

// The endpoints behind one port of one Service, ready ones only, both families, sorted and distinct. May be empty.
struct BackendEntry {
    std::vector<SocketAddress> endpoints;

    auto operator<=>(const BackendEntry&) const = default;
};

// An address and port that clients connect to, with the names it serves. The precedence of listeners and routes is
// resolved already: the data plane takes the exact name, else the longest wildcard, and looks no further.
struct VipEntry {
    // Hostname ("a.example.com" or "*.example.com") to route. A name that matches none of them is refused.
    // No route: a listener owns the name but no route does; such connections are refused.
    std::map<std::string, std::optional<std::string>> names;

    auto operator<=>(const VipEntry&) const = default;
};

// Keys are readable and stable: they are the labels in map dumps, metrics and logs.
struct RoutingTable {
    std::map<SocketAddress, VipEntry> vips;
    std::map<std::string, RouteEntry> routes;      // "namespace/name"
    std::map<std::string, BackendEntry> backends;  // "namespace/service:port"

    auto operator<=>(const RoutingTable&) const = default;
};

}  // namespace slipgate
