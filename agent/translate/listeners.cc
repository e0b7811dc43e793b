// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/listeners.h"

#include "agent/translate/hostname.h"

namespace slipgate {
namespace {

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

Outcome program_listener(const ListenerState& listener, const std::string& kind, const Outcome& accepted,
                         const std::vector<IpAddress>& addresses) {
    if (listener.conflicted) return failed(listener.conflicted->reason, listener.conflicted->message);
    if (!listener.accepted.ok()) return failed("Invalid", "the listener is not accepted");
    if (!accepted.ok()) return failed("Invalid", "the " + kind + " is not accepted");
    if (addresses.empty()) return failed("Pending", "the Gateway has no address to listen on");
    return succeeded("Programmed", "the listener is served");
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

}  // namespace

ListenerStates judge_listeners(const std::vector<Listener>& listeners, const TakenNames& taken) {
    ListenerStates states;
    std::vector<const Listener*> rivals;  // whoever lost to an object before is in nobody's way here
    for (const auto& listener : listeners) {
        auto& state = states.emplace_back();
        state.spec = &listener;
        judge_route_kinds(state);
        state.conflicted = taken.conflict_of(listener);
        if (!state.conflicted) rivals.push_back(&listener);
    }
    for (auto& state : states) {
        if (!state.conflicted) state.conflicted = conflict_among(rivals, *state.spec);
        state.accepted = state.conflicted ? failed(state.conflicted->reason, state.conflicted->message)
                                          : accept_listener(*state.spec);
    }
    return states;
}

Outcome accept_by_listeners(const ListenerStates& listeners, const std::string& kind) {
    std::string invalid;
    bool any_valid = false;
    for (const auto& listener : listeners) {
        if (listener.accepted.ok()) {
            any_valid = true;
        } else {
            append(invalid, listener.spec->name, ", ");
        }
    }
    if (!any_valid) return failed("ListenersNotValid", "no listener is accepted; see their conditions");
    if (!invalid.empty()) return succeeded("ListenersNotValid", "listeners not accepted: " + invalid);
    return succeeded("Accepted", "the " + kind + " is accepted");
}

void program_listeners(ListenerStates& listeners, const std::string& kind, const Outcome& accepted,
                       const std::vector<IpAddress>& addresses) {
    for (auto& listener : listeners) listener.programmed = program_listener(listener, kind, accepted, addresses);
}

std::vector<ListenerStatus> listener_statuses(const ListenerStates& listeners, std::int64_t generation) {
    std::vector<ListenerStatus> statuses;
    statuses.reserve(listeners.size());
    for (const auto& listener : listeners) statuses.push_back(listener_status(listener, generation));
    return statuses;
}

}  // namespace slipgate
