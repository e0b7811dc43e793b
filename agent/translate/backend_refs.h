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
    Outcome resolved_refs;
};

class BackendResolver {
  public:
    // Keeps references to `snapshot` and `options`.
    BackendResolver(const Snapshot& snapshot, const TranslateOptions& options);

    // Each ref is checked in the order kind, ReferenceGrant, existence, port and protocol, so that a ref that is not
    // permitted tells nothing about the Service. The first invalid ref gives the reason, the message names them all. A
    // Service without endpoints is resolved; the message says that there are none. For Gateways of that source mode.
    [[nodiscard]] ResolvedRoute resolve(const TlsRoute& route, SourceMode mode);

    // Of a backend that resolve() returned, by its key in RoutingTable::backends.
    [[nodiscard]] const EndpointChoice& endpoints(const std::string& backend) const { return endpoints_.at(backend); }

  private:
    struct Resolution {
        Outcome outcome;
        std::string backend;  // empty if the outcome is not ok
    };
    [[nodiscard]] Resolution resolve(const BackendRef& ref, const std::string& route_namespace, SourceMode mode);

    const Snapshot& snapshot_;
    EndpointIndex index_;
    std::map<std::string, EndpointChoice> endpoints_;  // by backend key
};

}  // namespace slipgate
