// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/attachment.h"

#include <algorithm>

#include "agent/model/allowed_namespaces.h"
#include "agent/translate/hostname.h"

namespace slipgate {
namespace {

using Candidates = std::vector<ListenerState*>;

// The listeners that take the route; none: why.
struct Taken {
    Candidates by;
    Outcome accepted;
};
Taken refused(std::string reason, std::string message) {
    return {{}, failed(std::move(reason), std::move(message))};
}

bool has_hostname_for(const TlsRoute& route, const ListenerState& listener) {
    return std::any_of(route.hostnames.begin(), route.hostnames.end(),
                       [&](const auto& hostname) { return intersect(listener.hostname(), hostname).has_value(); });
}

std::string describe(const ParentReference& ref) {
    std::string text;
    if (ref.section_name) text += " named " + *ref.section_name;
    if (ref.port) text += " with port " + std::to_string(*ref.port);
    return text;
}

// The steps are those of the specification, in its order: the first that leaves no listener gives the reason. The
// listeners are those of the parent itself: a Gateway's do not include those of its ListenerSets.
Taken attach_to(const TlsRoute& route, const ParentReference& ref, ListenerStates& listeners,
                const std::string& parent_namespace, const Snapshot& snapshot) {
    Candidates candidates;
    for (auto& listener : listeners) {
        if (ref.section_name && *ref.section_name != listener.spec->name) continue;
        if (ref.port && *ref.port != listener.spec->port) continue;
        candidates.push_back(&listener);
    }
    if (candidates.empty()) return refused("NoMatchingParent", "the " + ref.kind + " has no listener" + describe(ref));

    std::erase_if(candidates, [](const ListenerState* listener) { return listener->supported_kinds.empty(); });
    if (candidates.empty()) return refused("NotAllowedByListeners", "no listener takes routes of kind TLSRoute");

    std::erase_if(candidates, [&](const ListenerState* listener) {
        return !admits(listener->spec->allowed_routes, parent_namespace, route.meta.namespace_, snapshot);
    });
    if (candidates.empty()) {
        return refused("NotAllowedByListeners", "no listener takes routes from namespace " + route.meta.namespace_);
    }

    std::erase_if(candidates, [&](const ListenerState* listener) { return !has_hostname_for(route, *listener); });
    if (candidates.empty()) {
        return refused("NoMatchingListenerHostname", "no hostname of the route matches a listener's hostname");
    }

    std::string names;
    for (const auto* listener : candidates) append(names, listener->spec->name, ", ");
    return {std::move(candidates), succeeded("Accepted", "attached to: " + names)};
}

// The object that the parentRef names; nothing there for us to judge: none.
struct Parent {
    GatewayState* gateway = nullptr;
    ListenerSetState* listener_set = nullptr;
    ListenerStates* listeners = nullptr;
};

Parent find_parent(const ParentReference& ref, const std::string& parent_namespace, Parents& parents) {
    if (ref.group != kGatewayGroup) return {};
    if (ref.kind == "Gateway") {
        const auto gateway = parents.gateways.find(parent_namespace + "/" + ref.name);
        if (gateway != parents.gateways.end()) return {&gateway->second, nullptr, &gateway->second.listeners};
    }
    if (ref.kind == "ListenerSet") {
        const auto set = parents.listener_sets.find(parent_namespace + "/" + ref.name);
        if (set != parents.listener_sets.end()) return {set->second.gateway, &set->second, &set->second.listeners};
    }
    return {};
}

}  // namespace

std::vector<Attachment> attach(const TlsRoute& route, Parents& parents, const Snapshot& snapshot) {
    std::vector<Attachment> attachments;
    for (const auto& ref : route.parent_refs) {
        const auto parent_namespace = ref.namespace_.value_or(route.meta.namespace_);
        const auto [gateway, listener_set, listeners] = find_parent(ref, parent_namespace, parents);
        if (!gateway) continue;
        auto [by, accepted] = attach_to(route, ref, *listeners, parent_namespace, snapshot);
        attachments.push_back({&ref, gateway, listener_set, std::move(by), std::move(accepted)});
    }
    return attachments;
}

}  // namespace slipgate
