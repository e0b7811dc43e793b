// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/orphans.h"

#include <string>

#include "agent/model/allowed_namespaces.h"
#include "agent/source/kube/unserved.h"

namespace slipgate::kube {
namespace {

const Gateway* find_gateway(const Snapshot& snapshot, const std::string& key) {
    for (const auto* gateways : {&snapshot.gateways, &snapshot.refused_gateways}) {
        if (const auto found = gateways->find(key); found != gateways->end()) return &found->second;
    }
    return nullptr;
}

void add_gateways(Statuses& statuses, const Statuses& before, const Snapshot& snapshot) {
    for (const auto& [key, status] : before.gateways) {
        const auto* const gateway = statuses.gateways.contains(key) ? nullptr : find_gateway(snapshot, key);
        if (gateway == nullptr || snapshot.gateway_classes.contains(gateway->gateway_class_name)) continue;
        const auto why = "GatewayClass " + gateway->gateway_class_name + " does not exist";
        statuses.gateways.put(key, unserved(*gateway, kPending, why));
    }
}

// Of a Gateway that is not served.
ListenerSetStatus orphaned(const ListenerSet& set, const std::string& of, const Snapshot& snapshot) {
    const auto* const gateway = find_gateway(snapshot, of);
    if (gateway == nullptr) return unserved(set, kParentNotAccepted, "Gateway " + of + " does not exist");
    if (const auto not_allowed = why_not_allowed(*gateway, set.meta.namespace_, snapshot))
        return unserved(set, kNotAllowed, *not_allowed);
    return unserved(set, kParentNotAccepted, "Gateway " + of + " is not accepted");
}

void add_listener_sets(Statuses& statuses, const Statuses& before, const Snapshot& snapshot) {
    for (const auto& [key, status] : before.listener_sets) {
        const auto set = snapshot.listener_sets.find(key);
        if (set == snapshot.listener_sets.end() || statuses.listener_sets.contains(key)) continue;
        const auto of = parent_gateway(set->second);
        const bool is_of_another_controller = find_gateway(snapshot, of) != nullptr && !statuses.gateways.contains(of);
        if (of.empty() || is_of_another_controller) continue;
        statuses.listener_sets.put(key, orphaned(set->second, of, snapshot));
    }
}

}  // namespace

Statuses with_orphans(Statuses statuses, const Statuses& before, const Snapshot& snapshot) {
    add_gateways(statuses, before, snapshot);
    add_listener_sets(statuses, before, snapshot);
    return statuses;
}

}  // namespace slipgate::kube
