// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/listeners.h"

#include <algorithm>

#include "agent/translate/hostname.h"

namespace slipgate {
namespace {

bool is_tls(const Listener& listener) {
    return listener.protocol == "TLS";
}

bool is_passthrough(const Listener& listener) {
    return is_tls(listener) && listener.tls_mode == "Passthrough";
}

Outcome accept_listener(const Listener& listener) {
    if (!is_tls(listener)) {
        return failed("UnsupportedProtocol", "protocol " + listener.protocol + " is not supported; supported is TLS");
    }
    if (!is_passthrough(listener)) {
        return failed("UnsupportedValue", "tls.mode " + listener.tls_mode.value_or("Terminate") +
                                              " is not supported; supported is Passthrough");
    }
    if (listener.hostname && !can_be_sni(*listener.hostname)) {
        return succeeded("Accepted", "no connection can match: a ClientHello cannot carry " + *listener.hostname +
                                         " as its server name (RFC 6066 section 3)");
    }
    return succeeded("Accepted", "the listener is accepted");
}

void judge_route_kinds(ListenerState& state) {
    const Listener& listener = *state.spec;
    const RouteGroupKind tls_route{kGatewayGroup, "TLSRoute"};
    bool has_tls_route = listener.kinds.empty();
    std::string invalid;
    for (const auto& kind : listener.kinds) {
        if (is_tls(listener) && kind == tls_route) {
            has_tls_route = true;
        } else {
            append(invalid, kind.group.empty() ? kind.kind : kind.kind + "." + kind.group, ", ");
        }
    }
    if (has_tls_route && is_passthrough(listener)) state.supported_kinds.push_back(tls_route);
    state.resolved_refs = invalid.empty() ? succeeded("ResolvedRefs", "all references are resolved")
                                          : failed("InvalidRouteKinds",
                                                   "allowedRoutes.kinds that this listener cannot serve: " + invalid);
}

// The listener that makes it impossible to serve `listener`, and why.
std::optional<Outcome> find_conflict(const Listener& listener, const std::vector<Listener>& all) {
    if (!is_tls(listener)) return std::nullopt;  // unsupported protocols stand in nobody's way
    const auto rival_that = [&](auto&& is_rival) {
        return std::find_if(all.begin(), all.end(), [&](const Listener& other) {
            return &other != &listener && is_tls(other) && other.port == listener.port && is_rival(other);
        });
    };
    const auto other_mode =
        rival_that([&](const Listener& o) { return is_passthrough(o) != is_passthrough(listener); });
    if (other_mode != all.end()) {
        return failed("ProtocolConflict", "Passthrough and Terminate cannot share port " +
                                              std::to_string(listener.port) + ": the other listener is " +
                                              other_mode->name);
    }
    const auto same_name = rival_that([&](const Listener& o) { return o.hostname == listener.hostname; });
    if (is_passthrough(listener) && same_name != all.end()) {
        return failed("HostnameConflict", "listener " + same_name->name + " has the same port and hostname");
    }
    return std::nullopt;
}

}  // namespace

std::vector<ListenerState> judge_listeners(const Gateway& gateway) {
    std::vector<ListenerState> states;
    for (const auto& listener : gateway.listeners) {
        ListenerState state;
        state.spec = &listener;
        judge_route_kinds(state);
        state.accepted = accept_listener(listener);
        if (const auto conflict = find_conflict(listener, gateway.listeners)) {
            state.accepted = *conflict;
            state.conflicted = succeeded(conflict->reason, conflict->message);  // Conflicted=True
        }
        states.push_back(std::move(state));
    }
    return states;
}

void mark_overlaps(std::vector<ListenerState>& listeners) {
    for (auto& listener : listeners) {
        if (!listener.accepted.ok()) continue;
        std::string others;
        for (const auto& other : listeners) {
            if (&other != &listener && other.accepted.ok() && other.spec->port == listener.spec->port &&
                intersect(other.hostname(), listener.hostname())) {
                append(others, other.spec->name, ", ");
            }
        }
        if (others.empty()) continue;
        listener.overlapping =
            succeeded("OverlappingHostnames",
                      "names in common with " + others + "; the listener with the more specific hostname serves them");
    }
}

ListenerStatus listener_status(const ListenerState& listener, std::int64_t generation) {
    ListenerStatus status;
    status.name = listener.spec->name;
    status.supported_kinds = listener.supported_kinds;
    status.attached_routes = static_cast<std::int32_t>(listener.routes.size());
    status.conditions.push_back(make_condition("Accepted", listener.accepted, generation));
    status.conditions.push_back(make_condition("ResolvedRefs", listener.resolved_refs, generation));
    status.conditions.push_back(make_condition("Programmed", listener.programmed, generation));
    if (listener.conflicted)
        status.conditions.push_back(make_condition("Conflicted", *listener.conflicted, generation));
    if (listener.overlapping) {
        status.conditions.push_back(make_condition("OverlappingTLSConfig", *listener.overlapping, generation));
    }
    return status;
}

}  // namespace slipgate
