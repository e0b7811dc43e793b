// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/attachment.h"

#include <algorithm>

#include "agent/translate/hostname.h"
#include "agent/translate/label_selector.h"

namespace slipgate {
namespace {

using Candidates = std::vector<ListenerState*>;

// A namespace that is not known has no labels yet to be judged by: no selector takes it, not even one with NotIn.
bool is_selected(const std::string& name, const std::optional<LabelSelector>& selector, const Snapshot& snapshot) {
    const auto found = snapshot.namespaces.find(name);
    return selector && found != snapshot.namespaces.end() && matches(*selector, found->second.meta.labels);
}

bool admits_namespace(const Listener& listener, const std::string& gateway_namespace,
                      const std::string& route_namespace, const Snapshot& snapshot) {
    if (listener.namespaces_from == "All") return true;
    if (listener.namespaces_from == "Same") return gateway_namespace == route_namespace;
    return listener.namespaces_from == "Selector" &&
           is_selected(route_namespace, listener.namespaces_selector, snapshot);
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

// The steps are those of the specification, in its order: the first that leaves no listener gives the reason.
Outcome attach_to(const TlsRoute& route, const ParentReference& ref, GatewayState& gateway, const Snapshot& snapshot) {
    Candidates candidates;
    for (auto& listener : gateway.listeners) {
        if (ref.section_name && *ref.section_name != listener.spec->name) continue;
        if (ref.port && *ref.port != listener.spec->port) continue;
        candidates.push_back(&listener);
    }
    if (candidates.empty()) return failed("NoMatchingParent", "the Gateway has no listener" + describe(ref));

    std::erase_if(candidates, [](const ListenerState* listener) { return listener->supported_kinds.empty(); });
    if (candidates.empty()) return failed("NotAllowedByListeners", "no listener takes routes of kind TLSRoute");

    std::erase_if(candidates, [&](const ListenerState* listener) {
        return !admits_namespace(*listener->spec, gateway.spec->meta.namespace_, route.meta.namespace_, snapshot);
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

}  // namespace

std::vector<Attachment> attach(const TlsRoute& route, GatewayStates& gateways, const Snapshot& snapshot) {
    std::vector<Attachment> attachments;
    for (const auto& ref : route.parent_refs) {
        if (ref.group != kGatewayGroup || ref.kind != "Gateway") continue;
        const auto gateway = gateways.find(ref.namespace_.value_or(route.meta.namespace_) + "/" + ref.name);
        if (gateway == gateways.end()) continue;
        attachments.push_back({&ref, &gateway->second, attach_to(route, ref, gateway->second, snapshot)});
    }
    return attachments;
}

}  // namespace slipgate
