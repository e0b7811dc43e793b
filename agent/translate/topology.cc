// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/topology.h"

#include <algorithm>

#include "agent/model/labels.h"

namespace slipgate {
namespace {

Hint hint_for(const std::string& here, const std::vector<std::string>& names) {
    if (names.empty()) return Hint::kNone;
    const bool named = !here.empty() && std::find(names.begin(), names.end(), here) != names.end();
    return named ? Hint::kHere : Hint::kElsewhere;
}

// One endpoint without a hint, and the hints are not complete: they are being written, or taken away (KEP-2433).
bool can_decide(Hint Hints::* kind, const std::vector<Hints>& endpoints) {
    const auto has_hint = [kind](const Hints& hints) { return hints.*kind != Hint::kNone; };
    const auto is_here = [kind](const Hints& hints) { return hints.*kind == Hint::kHere; };
    return std::all_of(endpoints.begin(), endpoints.end(), has_hint) &&
           std::any_of(endpoints.begin(), endpoints.end(), is_here);
}

}  // namespace

Location location_of(const Snapshot& snapshot, const std::string& node_name) {
    const auto node = snapshot.nodes.find(node_name);
    if (node == snapshot.nodes.end()) return {node_name, {}};
    const auto& labels = node->second.meta.labels;
    const auto zone = labels.find(kZoneLabel);
    return {node_name, zone == labels.end() ? std::string() : zone->second};
}

Hints hints_for(const Location& here, const EndpointSlice::Endpoint& endpoint) {
    return {hint_for(here.node, endpoint.for_nodes), hint_for(here.zone, endpoint.for_zones)};
}

Nearness::Nearness(const std::vector<Hints>& endpoints) {
    for (const auto kind : {&Hints::node, &Hints::zone}) {
        if (!can_decide(kind, endpoints)) continue;
        deciding_ = kind;
        return;
    }
}

bool Nearness::takes(const Hints& endpoint) const {
    return deciding_ == nullptr || endpoint.*deciding_ == Hint::kHere;
}

}  // namespace slipgate
