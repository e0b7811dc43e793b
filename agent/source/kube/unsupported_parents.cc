// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/unsupported_parents.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <utility>

#include "agent/source/kube/unsupported_status.h"

namespace slipgate::kube {
namespace {

// By kind and key of a parent, what is said of it. The fields that are wrong are for its owner alone.
using Refusals = std::map<std::pair<std::string, std::string>, std::string>;

template <typename Reference>
const std::string* why_refused(const Refusals& refusals, const Reference& parent, const ObjectMeta& child) {
    if (parent.group != kGatewayGroup) return nullptr;
    const auto key = parent.namespace_.value_or(child.namespace_) + "/" + parent.name;
    const auto found = refusals.find({parent.kind, key});
    return found == refusals.end() ? nullptr : &found->second;
}

// Gateways come before ListenerSets, as they do in resources().
Refusals add_parents(Statuses& statuses, const std::map<ObjectKey, UnsupportedObject>& unsupported) {
    Refusals refusals;
    for (const auto& [object_key, object] : unsupported) {
        const auto& [resource, key] = object_key;
        const auto status = unsupported_status(object, statuses);
        if (!status) continue;
        if (const auto* gateway = std::get_if<GatewayStatus>(&*status))
            statuses.gateways.put(key, *gateway);
        else if (const auto* set = std::get_if<ListenerSetStatus>(&*status))
            statuses.listener_sets.put(key, *set);
        else
            continue;
        refusals[{std::string(resource->kind), key}] =
            fmt::format("{} {} is not accepted; its conditions say why", resource->kind, key);
    }
    return refusals;
}

void add_listener_sets(Statuses& statuses, const Snapshot& snapshot, Refusals& refusals) {
    for (const auto& [key, set] : snapshot.listener_sets) {
        const auto* const why = why_refused(refusals, set.parent_ref, set.meta);
        if (why == nullptr || statuses.listener_sets.contains(key)) continue;
        const auto generation = set.meta.generation;
        statuses.listener_sets.put(key, {{{"Accepted", "False", "ParentNotAccepted", *why, generation},
                                          {"Programmed", "False", "ParentNotProgrammed", *why, generation}},
                                         {}});
        refusals[{"ListenerSet", key}] = *why;
    }
}

// Its entries in the order of its references.
TlsRouteStatus with_refused_parents(const TlsRouteStatus& known, const TlsRoute& route, const Refusals& refusals) {
    TlsRouteStatus status;
    for (const auto& ref : route.parent_refs) {
        const auto entry = std::find_if(known.parents.begin(), known.parents.end(),
                                        [&](const auto& parent) { return parent.parent_ref == ref; });
        if (entry != known.parents.end())
            status.parents.push_back(*entry);
        else if (const auto* const why = why_refused(refusals, ref, route.meta))
            status.parents.push_back(refused_entry(ref, "NoMatchingParent", *why, route.meta.generation));
    }
    return status;
}

}  // namespace

Statuses with_unsupported_parents(Statuses statuses, const Snapshot& snapshot,
                                  const std::map<ObjectKey, UnsupportedObject>& unsupported) {
    auto refusals = add_parents(statuses, unsupported);
    if (refusals.empty()) return statuses;
    add_listener_sets(statuses, snapshot, refusals);
    for (const auto& [key, route] : snapshot.tls_routes) {
        const auto known = statuses.tls_routes.find(key);
        const auto before = known == statuses.tls_routes.end() ? TlsRouteStatus{} : known->second;
        auto status = with_refused_parents(before, route, refusals);
        if (status.parents.size() > before.parents.size()) statuses.tls_routes.put(key, std::move(status));
    }
    return statuses;
}

}  // namespace slipgate::kube
