// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/ir/routing_table.h"
#include "agent/translate/endpoints.h"
#include "agent/translate/outcome.h"

namespace slipgate {

// The backendRefs of a route. Every ref keeps its weight, an invalid one without a backend: its share is refused.
struct ResolvedRoute {
    std::vector<WeightedBackend> backends;
    Outcome resolved_refs;  // the same for every parent; see resolved_refs_for()
};

class BackendResolver {
  public:
    // Keeps a reference to `snapshot`.
    BackendResolver(const Snapshot& snapshot, OwnAddresses own_addresses);

    // Each ref is checked in the order kind, ReferenceGrant, existence, port and protocol, so that a ref that is not
    // permitted tells nothing about the Service. The first invalid ref gives the reason, the message names them all.
    [[nodiscard]] ResolvedRoute resolve(const TlsRoute& route);

    // Of a backend that resolve() returned, by its key "namespace/service:port".
    [[nodiscard]] const EndpointChoice& endpoints(const std::string& backend) const { return endpoints_.at(backend); }

    // ResolvedRefs as a Gateway with these addresses sees it: the message also says which endpoints are left out and
    // for which address there are none. That is not an error of the route, so the status stays as it is.
    [[nodiscard]] Outcome resolved_refs_for(const ResolvedRoute& route, const std::vector<IpAddress>& addresses) const;

  private:
    struct Resolution {
        Outcome outcome;
        std::string backend;  // empty if the outcome is not ok
    };
    [[nodiscard]] Resolution resolve(const BackendRef& ref, const std::string& route_namespace);

    const Snapshot& snapshot_;
    EndpointIndex index_;
    std::map<std::string, EndpointChoice> endpoints_;  // by backend key
};

}  // namespace slipgate
