// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/orphans.h"

#include <string>

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

void add_listener_sets(Statuses& statuses, const Statuses& before, const Snapshot& snapshot) {
    for (const auto& [key, status] : before.listener_sets) {
        if (statuses.listener_sets.contains(key)) continue;
        const auto set = snapshot.listener_sets.find(key);
        if (set == snapshot.listener_sets.end()) continue;
        const auto& parent = set->second.parent_ref;
        const auto of = parent.namespace_.value_or(set->second.meta.namespace_) + "/" + parent.name;
        const bool is_there = find_gateway(snapshot, of) != nullptr;
        if (is_there && !statuses.gateways.contains(of)) continue;
        const auto why = "Gateway " + of + (is_there ? " is not accepted" : " does not exist");
        statuses.listener_sets.put(key, unserved(set->second, kParentNotAccepted, why));
    }
}

}  // namespace

Statuses with_orphans(Statuses statuses, const Statuses& before, const Snapshot& snapshot) {
    add_gateways(statuses, before, snapshot);
    add_listener_sets(statuses, before, snapshot);
    return statuses;
}

}  // namespace slipgate::kube
