// SPDX-License-Identifier: Apache-2.0
// Which endpoints are near, as the hints of EndpointSlices say (spec.trafficDistribution of a Service makes them). The
// rules are kube-proxy's: KEP-2433 and KEP-3015, pkg/proxy/topology.go of Kubernetes 1.37.
#pragma once

#include <string>
#include <vector>

#include "agent/model/objects.h"

namespace slipgate {

// Where connections enter: this node and its zone, by the label of its Node object. Empty: not known.
struct Location {
    std::string node;
    std::string zone;
};

[[nodiscard]] Location location_of(const Snapshot& snapshot, const std::string& node_name);

// What an endpoint's hints say of a place. In this order: of two slices that name an endpoint, one may lack its hints.
enum class Hint { kNone, kElsewhere, kHere };

struct Hints {
    Hint node = Hint::kNone;
    Hint zone = Hint::kNone;
};

[[nodiscard]] Hints hints_for(const Location& here, const EndpointSlice::Endpoint& endpoint);

// Of endpoints with these hints, one address family of a Service, which get connections?
class Nearness {
  public:
    explicit Nearness(const std::vector<Hints>& endpoints);

    [[nodiscard]] bool takes(const Hints& endpoint) const;

  private:
    Hint Hints::* deciding_ = nullptr;  // none: all are taken
};

}  // namespace slipgate
