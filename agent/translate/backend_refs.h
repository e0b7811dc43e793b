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

// The port of a Service that a backend is.
struct BackendPort {
    std::string service;  // its key
    std::string name;     // of the port
    SourceMode mode{};
    bool operator==(const BackendPort&) const = default;
};

// The backendRefs of a route. Every ref keeps its weight, an invalid one without a backend: its share is refused.
struct ResolvedRoute {
    std::vector<WeightedBackend> backends;
    std::map<std::string, BackendPort> ports;  // of the backends, by their keys in RoutingTable::backends
    Outcome resolved_refs;                     // whatever endpoints there are
};

// Each ref is checked in the order kind, ReferenceGrant, existence, port and protocol, so that a ref that is not
// permitted tells nothing about the Service. The first invalid ref gives the reason, the message names them all. A
// Service without endpoints is resolved, see name_empty(): EndpointSlices are not looked at. For Gateways of that
// source mode.
[[nodiscard]] ResolvedRoute resolve_backend_refs(const TlsRoute& route, SourceMode mode, const Snapshot& snapshot);

// ResolvedRefs of the route, with a word on the backends that have a share and no endpoint.
[[nodiscard]] Outcome name_empty(const ResolvedRoute& route, const std::function<bool(const std::string&)>& is_empty);

}  // namespace slipgate
