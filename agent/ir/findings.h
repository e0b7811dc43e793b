// SPDX-License-Identifier: Apache-2.0
// What the data path tells about the routing table it was given: what it cannot do as the table says, and why. In words
// of the table; what that means for the objects behind it is the translator's matter.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "agent/base/address.h"
#include "agent/ir/exclusion.h"

namespace slipgate {

// An endpoint that gets no connections.
struct ExcludedEndpoint {
    std::string backend;  // key of RoutingTable::backends
    SocketAddress endpoint;
    Exclusion exclusion{};
    std::string detail;  // "by wg0", "Network is unreachable"; may be empty

    auto operator<=>(const ExcludedEndpoint&) const = default;
};

// A VIP, a name of a VIP, a route or a backend.
struct TablePart {
    enum class Kind : std::uint8_t { kVip, kName, kRoute, kBackend };

    Kind kind{};
    SocketAddress vip;  // of a VIP or a name
    std::string key;    // the name's hostname, the route's or the backend's key

    [[nodiscard]] static TablePart of_vip(const SocketAddress& vip) { return {Kind::kVip, vip, {}}; }
    [[nodiscard]] static TablePart of_name(const SocketAddress& vip, std::string_view hostname) {
        return {Kind::kName, vip, std::string(hostname)};
    }
    [[nodiscard]] static TablePart of_route(std::string key) { return {Kind::kRoute, {}, std::move(key)}; }
    [[nodiscard]] static TablePart of_backend(std::string key) { return {Kind::kBackend, {}, std::move(key)}; }

    // "vip 192.0.2.1:443 name a.example.com", "route shop/web"
    [[nodiscard]] std::string to_string() const {
        switch (kind) {
            case Kind::kVip:
                return "vip " + vip.to_string();
            case Kind::kName:
                return "vip " + vip.to_string() + " name " + key;
            case Kind::kRoute:
                return "route " + key;
            case Kind::kBackend:
                return "backend " + key;
        }
        return {};
    }

    auto operator<=>(const TablePart&) const = default;
};

// A part of the table that is not in the maps as the table has it. Connections that need it are refused, or served as
// before the change.
struct UnplacedPart {
    // In order of precedence where several meet.
    enum class Cause : std::uint8_t {
        kNoRoom,   // a map is full
        kInvalid,  // no data path could serve it
        kPending,  // is tried again by itself: the kernel refused, or the room there is still rests
    };

    TablePart part;
    Cause cause{};
    std::string detail;

    auto operator<=>(const UnplacedPart&) const = default;
};

struct Findings {
    std::vector<ExcludedEndpoint> endpoints;
    std::vector<UnplacedPart> parts;

    bool operator==(const Findings&) const = default;
};

}  // namespace slipgate
