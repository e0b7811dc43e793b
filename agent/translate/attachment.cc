// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/attachment.h"

#include <algorithm>

#include "agent/translate/allowed_namespaces.h"
#include "agent/translate/hostname.h"

namespace slipgate {
namespace {

using Candidates = std::vector<ListenerState*>;

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
Outcome attach_to(const TlsRoute& route, const ParentReference& ref, ListenerStates& listeners,
                  const std::string& parent_namespace, const Snapshot& snapshot) {
    Candidates candidates;
    for (auto& listener : listeners) {
        if (ref.section_name && *ref.section_name != listener.spec->name) continue;
        if (ref.port && *ref.port != listener.spec->port) continue;
        candidates.push_back(&listener);
    }
    if (candidates.empty()) return failed("NoMatchingParent", "the " + ref.kind + " has no listener" + describe(ref));

    std::erase_if(candidates, [](const ListenerState* listener) { return listener->supported_kinds.empty(); });
    if (candidates.empty()) return failed("NotAllowedByListeners", "no listener takes routes of kind TLSRoute");

    std::erase_if(candidates, [&](const ListenerState* listener) {
        return !admits(listener->spec->allowed_routes, parent_namespace, route.meta.namespace_, snapshot);
    });
    if (candidates.empty()) {
        return failed("NotAllowedByListeners", "no listener takes routes from namespace " + route.meta.namespace_);
    }

    std::erase_if(candidates, [&](const ListenerState* listener) { return !has_hostname_for(route, *listener); });
    if (candidates.empty()) {
        return failed("NoMatchingListenerHostname", "no hostname of the route matches a listener's hostname");
    }

    std::string names;
    for (auto* listener : candidates) {
        const bool is_attached =
            !listener->routes.empty() && listener->routes.back() == &route;  // by another parentRef
        if (!is_attached) listener->routes.push_back(&route);
        append(names, listener->spec->name, ", ");
    }
    return succeeded("Accepted", "attached to: " + names);
}

// The object that the parentRef names; nothing there for us to judge: none.
struct Parent {
    const GatewayState* gateway = nullptr;
    ListenerStates* listeners = nullptr;
};

Parent find_parent(const ParentReference& ref, const std::string& parent_namespace, Parents& parents) {
    if (ref.group != kGatewayGroup) return {};
    if (ref.kind == "Gateway") {
        const auto gateway = parents.gateways.find(parent_namespace + "/" + ref.name);
        if (gateway != parents.gateways.end()) return {&gateway->second, &gateway->second.listeners};
    }
    if (ref.kind == "ListenerSet") {
        const auto set = parents.listener_sets.find(parent_namespace + "/" + ref.name);
        if (set != parents.listener_sets.end()) return {set->second.gateway, &set->second.listeners};
    }
    return {};
}

}  // namespace

std::vector<Attachment> attach(const TlsRoute& route, Parents& parents, const Snapshot& snapshot) {
    std::vector<Attachment> attachments;
    for (const auto& ref : route.parent_refs) {
        const auto parent_namespace = ref.namespace_.value_or(route.meta.namespace_);
        const auto [gateway, listeners] = find_parent(ref, parent_namespace, parents);
        if (!gateway) continue;
        attachments.push_back({&ref, gateway, attach_to(route, ref, *listeners, parent_namespace, snapshot)});
    }
    return attachments;
}

}  // namespace slipgate
