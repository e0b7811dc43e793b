// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/unsupported_parents.h"

#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include "agent/model/allowed_namespaces.h"
#include "agent/source/kube/unserved.h"
#include "agent/source/kube/unsupported_status.h"

namespace slipgate::kube {
namespace {

// What is said of a parent to those that lead there. The fields that are wrong are for its owner alone.
struct Refusal {
    std::string why;
    const Gateway* gateway = nullptr;  // if it is one
};

using Refusals = std::map<std::pair<std::string, std::string>, Refusal>;  // by kind and key

std::string not_accepted(std::string_view kind, const std::string& key) {
    return fmt::format("{} {} is not accepted; its conditions say why", kind, key);
}

template <typename Reference>
const Refusal* find_refusal(const Refusals& refusals, const Reference& parent, const ObjectMeta& child) {
    if (parent.group != kGatewayGroup) return nullptr;
    const auto key = parent.namespace_.value_or(child.namespace_) + "/" + parent.name;
    const auto found = refusals.find({parent.kind, key});
    return found == refusals.end() ? nullptr : &found->second;
}

// Of resources() the classes come first, then Gateways, then ListenerSets: each is ours by one that is known by then.
Refusals add_parents(Statuses& statuses, const Snapshot& snapshot,
                     const std::map<ObjectKey, UnsupportedObject>& unsupported) {
    Refusals refusals;
    for (const auto& [object_key, object] : unsupported) {
        const auto& [resource, key] = object_key;
        const auto status = unsupported_status(object, statuses, snapshot);
        if (!status) continue;
        if (const auto* gateway_class = std::get_if<GatewayClassStatus>(&*status))
            statuses.gateway_classes.put(key, *gateway_class);
        else if (const auto* gateway = std::get_if<GatewayStatus>(&*status))
            statuses.gateways.put(key, *gateway);
        else if (const auto* set = std::get_if<ListenerSetStatus>(&*status))
            statuses.listener_sets.put(key, *set);
        else
            continue;
        refusals[{std::string(resource->kind), key}] = {not_accepted(resource->kind, key),
                                                        std::get_if<Gateway>(&object.object)};
    }
    return refusals;
}

// Those of a class that is refused.
void add_gateways(Statuses& statuses, const Snapshot& snapshot, Refusals& refusals) {
    for (const auto& [key, gateway] : snapshot.gateways) {
        const auto refusal = refusals.find({"GatewayClass", gateway.gateway_class_name});
        if (refusal == refusals.end()) continue;
        statuses.gateways.put(key, unserved(gateway, kInvalid, refusal->second.why));
        refusals[{"Gateway", key}] = {not_accepted("Gateway", key), &gateway};
    }
}

void add_listener_sets(Statuses& statuses, const Snapshot& snapshot, Refusals& refusals) {
    for (const auto& [key, set] : snapshot.listener_sets) {
        const auto* const refusal = find_refusal(refusals, set.parent_ref, set.meta);
        if (refusal == nullptr || statuses.listener_sets.contains(key)) continue;
        const auto not_allowed = why_not_allowed(*refusal->gateway, set.meta.namespace_, snapshot);
        statuses.listener_sets.put(key, not_allowed ? unserved(set, kNotAllowed, *not_allowed)
                                                    : unserved(set, kParentNotAccepted, refusal->why));
        refusals[{"ListenerSet", key}] = {not_accepted("ListenerSet", key)};
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
        else if (const auto* const refusal = find_refusal(refusals, ref, route.meta))
            status.parents.push_back(refused_entry(ref, "NoMatchingParent", refusal->why, route.meta.generation));
    }
    return status;
}

}  // namespace

Statuses with_unsupported_parents(Statuses statuses, const Snapshot& snapshot,
                                  const std::map<ObjectKey, UnsupportedObject>& unsupported) {
    auto refusals = add_parents(statuses, snapshot, unsupported);
    if (refusals.empty()) return statuses;
    add_gateways(statuses, snapshot, refusals);
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
