// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/gateways.h"

#include <algorithm>
#include <set>

#include "agent/translate/gateway_addresses.h"
#include "agent/translate/gateway_classes.h"
#include "agent/translate/listeners.h"
#include "agent/translate/precedence.h"

namespace slipgate {
namespace {

using PortOwners = std::map<SocketAddress, std::string>;  // VIP -> key of the Gateway that has it

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

// All listeners are to answer on all addresses, so a port is taken on every one of them or not at all.
void claim_ports(GatewayState& state, PortOwners& owners) {
    const auto key = key_of(state.spec->meta);
    for (auto& listener : state.listeners) {
        if (!listener.accepted.ok()) continue;
        std::string taken;
        for (const auto& address : state.addresses) {
            const auto owner = owners.find({address, listener.spec->port});
            if (owner == owners.end() || owner->second == key) continue;
            append(taken, owner->first.to_string() + " belongs to Gateway " + owner->second, ", ");
        }
        if (!taken.empty()) {
            listener.accepted = failed("PortUnavailable", taken);
            continue;
        }
        for (const auto& address : state.addresses) owners.emplace(SocketAddress{address, listener.spec->port}, key);
    }
}

Outcome accept_by_listeners(const std::vector<ListenerState>& listeners) {
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
    return succeeded("Accepted", "the Gateway is accepted");
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

Outcome program_listener(const ListenerState& listener, const GatewayState& gateway) {
    if (listener.conflicted) return failed(listener.conflicted->reason, listener.conflicted->message);
    if (!listener.accepted.ok()) return failed("Invalid", "the listener is not accepted");
    if (!gateway.accepted.ok()) return failed("Invalid", "the Gateway is not accepted");
    if (gateway.addresses.empty()) return failed("Pending", "the Gateway has no address to listen on");
    return succeeded("Programmed", "the listener is served");
}

GatewayState judge_gateway(const Gateway& gateway, const GatewayClass& gateway_class, const TranslateOptions& options,
                           PortOwners& owners) {
    const auto addresses = assign_addresses(gateway, options.addresses);
    const auto refusal = find_refusal(gateway, gateway_class, addresses);

    GatewayState state;
    state.spec = &gateway;
    state.listeners = judge_listeners(gateway);
    state.source = choose_source_mode(gateway, options);
    if (!refusal) {
        state.addresses = addresses.usable;
        claim_ports(state, owners);
    }
    mark_overlaps(state.listeners);
    state.accepted = refusal ? *refusal : accept_by_listeners(state.listeners);
    if (!state.accepted.ok()) state.addresses.clear();
    state.programmed = program_gateway(state, addresses);
    for (auto& listener : state.listeners) listener.programmed = program_listener(listener, state);
    return state;
}

}  // namespace

GatewayStates judge_gateways(const Snapshot& snapshot, const TranslateOptions& options) {
    std::vector<const Gateway*> oldest_first;
    oldest_first.reserve(snapshot.gateways.size());
    for (const auto& [key, gateway] : snapshot.gateways) oldest_first.push_back(&gateway);
    std::sort(oldest_first.begin(), oldest_first.end(),
              [](const auto* a, const auto* b) { return precedes(a->meta, b->meta); });

    GatewayStates states;
    PortOwners owners;
    for (const auto* gateway : oldest_first) {
        const auto gateway_class = snapshot.gateway_classes.find(gateway->gateway_class_name);
        if (gateway_class == snapshot.gateway_classes.end()) continue;
        if (gateway_class->second.controller_name != options.controller_name) continue;
        states.emplace(key_of(gateway->meta), judge_gateway(*gateway, gateway_class->second, options, owners));
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
    for (const auto& listener : gateway.listeners) status.listeners.push_back(listener_status(listener, generation));
    return status;
}

}  // namespace slipgate
