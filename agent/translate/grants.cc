// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/grants.h"

#include <algorithm>

namespace slipgate {

bool is_reference_permitted(const Snapshot& snapshot, const std::string& route_namespace,
                            const std::string& service_namespace, const std::string& service_name) {
    if (route_namespace == service_namespace) return true;

    const auto is_from = [&](const ReferenceGrant::From& from) {
        return from.group == kGatewayGroup && from.kind == "TLSRoute" && from.namespace_ == route_namespace;
    };
    const auto is_to = [&](const ReferenceGrant::To& to) {
        return to.group.empty() && to.kind == "Service" && (!to.name || *to.name == service_name);
    };
    // Both halves must come from the same grant: a `from` of one and a `to` of another permit nothing.
    return std::any_of(snapshot.reference_grants.begin(), snapshot.reference_grants.end(), [&](const auto& entry) {
        const ReferenceGrant& grant = entry.second;
        return grant.meta.namespace_ == service_namespace &&
               std::any_of(grant.from.begin(), grant.from.end(), is_from) &&
               std::any_of(grant.to.begin(), grant.to.end(), is_to);
    });
}

}  // namespace slipgate
