// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/listener_sets.h"

#include <algorithm>

#include "agent/model/allowed_namespaces.h"
#include "agent/translate/listeners.h"
#include "agent/translate/precedence.h"

namespace slipgate {
namespace {

// Why the set may not join the Gateway, whatever its listeners are.
std::optional<Outcome> find_refusal(const ListenerSet& set, const GatewayState& gateway, const Snapshot& snapshot) {
    if (auto why = why_not_allowed(*gateway.spec, set.meta.namespace_, snapshot)) {
        return failed("NotAllowed", *std::move(why));
    }
    if (!gateway.accepted.ok()) {
        return failed("ParentNotAccepted", "Gateway " + key_of(gateway.spec->meta) + " is not accepted");
    }
    return std::nullopt;
}

Outcome program_set(const ListenerSetState& set) {
    if (set.accepted.reason == "NotAllowed") return set.accepted;
    if (!set.gateway->programmed.ok()) {
        return parent_not_programmed(key_of(set.gateway->spec->meta));
    }
    if (set.accepted.ok()) return succeeded("Programmed", "accepted listeners are served on all addresses");
    const bool only_ports = std::all_of(set.listeners.begin(), set.listeners.end(), [](const auto& listener) {
        return listener.accepted.reason == "PortUnavailable";
    });
    return only_ports ? failed("PortUnavailable", "the port of every listener is taken; see their conditions")
                      : set.accepted;
}

void join(ListenerSetState& set, GatewayState& gateway, TakenNames& taken, PortOwners& ports) {
    set.listeners = judge_listeners(set.spec->listeners, taken);
    ports.claim(gateway, set.listeners, PortOwners::Named::no);
    taken.add(set.listeners, "another ListenerSet");
    set.accepted = accept_by_listeners(set.listeners, "ListenerSet");
    if (set.accepted.ok()) ++gateway.attached_listener_sets;
    gateway.merged.push_back(&set.listeners);
}

}  // namespace

ListenerSetStates judge_listener_sets(const Snapshot& snapshot, GatewayStates& gateways, PortOwners& ports) {
    ListenerSetStates states;
    std::map<std::string, TakenNames> taken;  // by Gateway
    for (const auto* spec : oldest_first(snapshot.listener_sets)) {
        const auto gateway = gateways.find(parent_gateway(*spec));
        if (gateway == gateways.end()) continue;  // not ours: neither served nor reported on
        const auto [names, is_first] = taken.try_emplace(gateway->first);
        if (is_first) names->second.add(gateway->second.listeners, "the Gateway");

        auto& set = states[key_of(spec->meta)];
        set.spec = spec;
        set.gateway = &gateway->second;
        if (const auto refusal = find_refusal(*spec, gateway->second, snapshot)) {
            set.listeners = judge_listeners(spec->listeners, {});
            set.accepted = *refusal;
        } else {
            join(set, gateway->second, names->second, ports);
        }
        set.programmed = program_set(set);
        program_listeners(set.listeners, "ListenerSet", set.accepted, gateway->second.addresses);
    }
    return states;
}

Outcome parent_not_programmed(const std::string& gateway) {
    return failed("ParentNotProgrammed", "Gateway " + gateway + " is not programmed");
}

ListenerSetStatus listener_set_status(const ListenerSetState& set) {
    const auto generation = set.spec->meta.generation;
    ListenerSetStatus status;
    status.conditions.push_back(make_condition("Accepted", set.accepted, generation));
    status.conditions.push_back(make_condition("Programmed", set.programmed, generation));
    status.listeners = listener_statuses(set.listeners, generation);
    return status;
}

}  // namespace slipgate
