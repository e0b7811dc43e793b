// SPDX-License-Identifier: Apache-2.0
// The translator's result for the data plane, in data-plane words only: no Kubernetes meaning is left.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/shared_map.h"
#include "agent/ir/source_mode.h"

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

// Where connections go, and what is seen there as their other side.
struct BackendEndpoint : SocketAddress {
    // Not explicit: an address alone is an endpoint that sees the gateway's.
    BackendEndpoint(const SocketAddress& at, SourceMode mode = SourceMode::kSnat) : SocketAddress(at), source(mode) {}

    SourceMode source;

    // "192.0.2.1:443", "192.0.2.1:443 preserve"
    [[nodiscard]] std::string to_string() const {
        auto text = SocketAddress::to_string();
        if (source != SourceMode::kSnat) text.append(" ").append(name_of(source));
        return text;
    }
    auto operator<=>(const BackendEndpoint&) const = default;
};

// The endpoints behind one port of one Service, both families, sorted and distinct: the ready ones; in a family without
// any, those that still serve while they terminate. May be empty.
struct BackendEntry {
    std::vector<BackendEndpoint> endpoints;

    auto operator<=>(const BackendEntry&) const = default;
};

// Hostname ("a.example.com" or "*.example.com") to route. A name that matches none of them is refused.
// No route: a listener owns the name but no route does; such connections are refused.
using FlatNames = SharedMap<std::string, std::optional<std::string>>;

// An address and port that clients connect to, with the names it serves. The precedence of listeners and routes is
// resolved already: the data plane takes the exact name, else the longest wildcard, and looks no further.
struct VipEntry {
    FlatNames names;

    bool operator==(const VipEntry&) const = default;
};

// Keys are readable and stable: they are the labels in map dumps, and the first part of a route's is its name in
// metrics and logs. A route or backend that is used with another source mode than snat exists once for each, under a
// key that ends in that: "shop/web@preserve", "shop/web:443@preserve".
struct RoutingTable {
    SharedMap<SocketAddress, VipEntry> vips;
    SharedMap<std::string, RouteEntry> routes;      // "namespace/name"
    SharedMap<std::string, BackendEntry> backends;  // "namespace/service:port"

    bool operator==(const RoutingTable&) const = default;
};

// The key of a route or backend in that mode, and back.
[[nodiscard]] inline std::string with_mode(std::string key, SourceMode mode) {
    if (mode != SourceMode::kSnat) key.append("@").append(name_of(mode));
    return key;
}
[[nodiscard]] inline std::string_view without_mode(std::string_view key) {
    return key.substr(0, key.find('@'));
}

}  // namespace slipgate
