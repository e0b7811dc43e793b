// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/gateways.h"

#include "agent/translate/gateway_addresses.h"
#include "agent/translate/gateway_classes.h"
#include "agent/translate/listeners.h"
#include "agent/translate/precedence.h"

namespace slipgate {
namespace {

// Why the Gateway as a whole is refused, whatever its listeners are.
std::optional<Outcome> find_refusal(const Gateway& gateway, const GatewayClass& gateway_class,
                                    const AddressAssignment& addresses) {
    if (const auto accepted = accept_gateway_class(gateway_class); !accepted.ok()) {
        return failed("InvalidParameters", "GatewayClass " + gateway_class.meta.name + ": " + accepted.message);
    }
    if (gateway.has_parameters_ref) {
        return failed("InvalidParameters",
                      "spec.infrastructure.parametersRef is not supported: Slipgate has no parameters resource");
    }
    if (!addresses.unsupported.empty()) {
        return failed("UnsupportedAddress",
                      "spec.addresses: unknown type " + addresses.unsupported + "; known are IPAddress and Hostname");
    }
    return std::nullopt;
}

Outcome program_gateway(const GatewayState& state, const AddressAssignment& addresses) {
    if (!state.accepted.ok()) return failed("Invalid", "the Gateway is not accepted");
    if (!addresses.unusable.empty()) {
        return failed("AddressNotUsable", "spec.addresses: cannot listen on " + addresses.unusable);
    }
    if (addresses.is_missing) {
        return failed("AddressNotAssigned",
                      "no address to assign: set spec.addresses or start slipgated with --address");
    }
    return succeeded("Programmed", "accepted listeners are served on all addresses");
}

GatewayState judge_gateway(const Gateway& gateway, const GatewayClass& gateway_class, const TranslateOptions& options,
                           PortOwners& ports) {
    const auto addresses = assign_addresses(gateway, options.addresses);
    const auto refusal = find_refusal(gateway, gateway_class, addresses);

    GatewayState state;
    state.spec = &gateway;
    state.listeners = judge_listeners(gateway.listeners, {});
    state.source = choose_source_mode(gateway, options);
    if (!refusal) {
        state.addresses = addresses.usable;
        ports.claim(state, state.listeners, PortOwners::Named::yes);
    }
    state.accepted = refusal ? *refusal : accept_by_listeners(state.listeners, "Gateway");
    if (!state.accepted.ok()) state.addresses.clear();
    state.programmed = program_gateway(state, addresses);
    program_listeners(state.listeners, "Gateway", state.accepted, state.addresses);
    return state;
}

}  // namespace

GatewayStates judge_gateways(const Snapshot& snapshot, const TranslateOptions& options, PortOwners& ports) {
    GatewayStates states;
    for (const auto* gateway : oldest_first(snapshot.gateways)) {
        const auto gateway_class = snapshot.gateway_classes.find(gateway->gateway_class_name);
        if (gateway_class == snapshot.gateway_classes.end()) continue;
        if (gateway_class->second.controller_name != options.controller_name) continue;
        auto& state = states[key_of(gateway->meta)];
        state = judge_gateway(*gateway, gateway_class->second, options, ports);
        state.merged = {&state.listeners};
    }
    return states;
}

GatewayStatus gateway_status(const GatewayState& gateway) {
    const auto generation = gateway.spec->meta.generation;
    GatewayStatus status;
    for (const auto& address : gateway.addresses) status.addresses.push_back({"IPAddress", address.to_string()});
    status.conditions.push_back(make_condition("Accepted", gateway.accepted, generation));
    status.conditions.push_back(make_condition("Programmed", gateway.programmed, generation));
    if (gateway.source.outcome)
        status.conditions.push_back(make_condition("slipgate.dev/SourceMode", *gateway.source.outcome, generation));
    status.listeners = listener_statuses(gateway.listeners, generation);
    status.attached_listener_sets = gateway.attached_listener_sets;
    return status;
}

}  // namespace slipgate
