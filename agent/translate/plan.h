// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/translate/attachment.h"
#include "agent/translate/backend_refs.h"
#include "agent/translate/parents.h"

namespace slipgate {

// What follows from all objects but the EndpointSlices, while TLSRoutes come and go. What it says does not depend on
// their order.
class Plan {
  public:
    // Keys of what may be otherwise since.
    struct Turned {
        std::set<std::string> gateways;       // their statuses, and the names of their VIPs
        std::set<std::string> listener_sets;  // their statuses
        std::set<std::string> tls_routes;     // their statuses
        std::set<std::string> routes;    // of RoutingTable: is there a name that leads to it, and where does it lead
        std::set<std::string> backends;  // of RoutingTable: does a route refer to it
    };

    // Of no routes yet. `snapshot` has to stay; those of its objects that are not TLSRoutes or EndpointSlices, as they
    // are.
    Plan(const Snapshot& snapshot, const TranslateOptions& options, const Circumstances& circumstances);

    // The route must stay where it is, unchanged, until it is removed.
    void add(const TlsRoute& route, Turned& turned);
    void remove(const TlsRoute& route, Turned& turned);

    [[nodiscard]] const AddressRules& rules() const { return rules_; }
    [[nodiscard]] const Parents& parents() const { return parents_; }

    // Of a TLSRoute, by its key. None: it is not ours, and neither served nor reported on.
    [[nodiscard]] const std::vector<Attachment>& attachments(const std::string& tls_route) const;

    // Those of TLSRoutes with attachments, by key in RoutingTable::routes.
    [[nodiscard]] const std::map<std::string, ResolvedRoute>& routes() const { return routes_; }

    // A route that no connection can reach has no place in the maps.
    [[nodiscard]] bool is_reachable(const std::string& route) const;

    // That routes() refer to, by key in RoutingTable::backends. Null: none does.
    [[nodiscard]] const BackendPort* backend(const std::string& key) const;

  private:
    struct UsedBackend {
        BackendPort port;
        std::size_t uses = 0;  // by routes_
    };

    const Snapshot& snapshot_;
    AddressRules rules_;
    Parents parents_;
    std::map<std::string, std::vector<Attachment>> attachments_;  // by TLSRoute; only of those that have some
    std::map<std::string, ResolvedRoute> routes_;
    std::map<std::string, UsedBackend> backends_;
};

}  // namespace slipgate
