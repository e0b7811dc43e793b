// SPDX-License-Identifier: Apache-2.0
// The data plane looks a name up once: the exact name, else the longest wildcard. Gateway API asks for more: first the
// listener whose hostname fits best, then the best of that listener's routes, and no second chance with another
// listener. Flattening turns the second into the first.
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <string_view>

#include "agent/ir/routing_table.h"
#include "agent/model/objects.h"

namespace slipgate {

// The flattened names of one port of a Gateway, while routes come and go. They are the same whatever the order.
class PortNames {
  public:
    // `listeners`: the hostnames of those the port has, distinct; empty: every name. The keys of routes are those of
    // `mode`.
    explicit PortNames(std::set<std::string> listeners, SourceMode mode = SourceMode::kSnat);

    // The route serves what its hostnames have in common with that of the listener, one of the port's. It must stay
    // where it is, unchanged, until it is removed. `turned`: here go the routes that lost or won a name, by their keys
    // in RoutingTable::routes.
    void add(const std::string& listener, const TlsRoute& route, std::set<std::string>& turned);
    void remove(const std::string& listener, const TlsRoute& route, std::set<std::string>& turned);

    // A hostname nobody can send (an IP address) is left out.
    [[nodiscard]] const FlatNames& names() const { return flat_; }

    // Does a name lead to the route with that key?
    [[nodiscard]] bool lead_to(const std::string& route) const { return served_.contains(route); }

  private:
    // A route's claim to a name, by the one of its hostnames that led there.
    struct Claim {
        std::string_view hostname;
        const TlsRoute* route;
        bool operator<(const Claim& other) const;  // the first has the name
    };
    using Claims = std::set<Claim>;

    template <typename Change>
    void change_claims(const std::string& listener, const TlsRoute& route, std::set<std::string>& turned,
                       Change change);
    void settle(const std::string& name, std::set<std::string>& turned);

    std::set<std::string> listeners_;
    SourceMode mode_;
    std::map<std::string, Claims> claims_;       // by name, to the listener it belongs to
    std::map<std::string, std::size_t> served_;  // names of a route, if it has some
    FlatNames flat_;
};

}  // namespace slipgate
