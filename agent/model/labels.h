// SPDX-License-Identifier: Apache-2.0
// Labels that mean something by themselves. Those of Namespaces are for selectors, whatever they are.
#pragma once

namespace slipgate {

inline constexpr const char* kServiceNameLabel = "kubernetes.io/service-name";  // of an EndpointSlice: whose it is
inline constexpr const char* kZoneLabel = "topology.kubernetes.io/zone";        // of a Node

}  // namespace slipgate
