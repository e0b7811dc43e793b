// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "agent/ir/routing_table.h"
#include "agent/model/objects.h"
#include "agent/translate/outcome.h"

namespace slipgate {

// The backendRefs of a route. Every ref keeps its weight, an invalid one without a backend: its share is refused.
struct ResolvedRoute {
    std::vector<WeightedBackend> backends;
    Outcome resolved_refs;  // whatever endpoints there are
};

// The port of a Service that a backend is.
struct BackendPort {
    std::string service;  // its key
    std::string name;     // of the port
    SourceMode mode{};
    bool operator==(const BackendPort&) const = default;
};

class BackendResolver {
  public:
    // Keeps a reference to `snapshot`, whose EndpointSlices it does not look at.
    explicit BackendResolver(const Snapshot& snapshot) : snapshot_(snapshot) {}

    // Each ref is checked in the order kind, ReferenceGrant, existence, port and protocol, so that a ref that is not
    // permitted tells nothing about the Service. The first invalid ref gives the reason, the message names them all. A
    // Service without endpoints is resolved, see name_empty(). For Gateways of that source mode.
    [[nodiscard]] ResolvedRoute resolve(const TlsRoute& route, SourceMode mode);

    // All that resolve() returned, by their keys in RoutingTable::backends.
    [[nodiscard]] const std::map<std::string, BackendPort>& backends() const { return backends_; }

  private:
    struct Resolution {
        Outcome outcome;
        std::string backend;  // empty if the outcome is not ok
    };
    [[nodiscard]] Resolution resolve(const BackendRef& ref, const std::string& route_namespace, SourceMode mode);

    const Snapshot& snapshot_;
    std::map<std::string, BackendPort> backends_;
};

// ResolvedRefs of the route, with a word on the backends that have a share and no endpoint.
[[nodiscard]] Outcome name_empty(const ResolvedRoute& route, const std::function<bool(const std::string&)>& is_empty);

}  // namespace slipgate
