// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/gateways.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "agent/translate/gateway_addresses.h"
#include "agent/translate/gateway_classes.h"
#include "agent/translate/listeners.h"
#include "agent/translate/precedence.h"

namespace slipgate {
namespace {

constexpr std::size_t kMostAddresses = 16;  // maxItems of status.addresses

// Why the Gateway as a whole is refused, whatever its listeners are.
std::optional<Outcome> find_refusal(const Gateway& gateway, const GatewayClass& gateway_class,
                                    const AddressRequest& addresses) {
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

// With those that are refused before they come here.
std::vector<const Gateway*> all_oldest_first(const Snapshot& snapshot) {
    auto all = oldest_first(snapshot.gateways);
    const auto refused = oldest_first(snapshot.refused_gateways);
    const auto middle = all.insert(all.end(), refused.begin(), refused.end());
    std::inplace_merge(all.begin(), middle, all.end(),
                       [](const Gateway* a, const Gateway* b) { return precedes(a->meta, b->meta); });
    return all;
}

class GatewayJudge {
  public:
    GatewayJudge(const Snapshot& snapshot, const TranslateOptions& options, const AddressRules& rules,
                 const Circumstances& circumstances, PortOwners& ports)
        : options_(options), rules_(rules), circumstances_(circumstances), ports_(ports) {
        for (const auto* gateway : all_oldest_first(snapshot)) {
            const auto found = snapshot.gateway_classes.find(gateway->gateway_class_name);
            if (found == snapshot.gateway_classes.end()) {
                requests_.push_back({gateway, {}, false});  // it may have been ours, and be again
                continue;
            }
            const auto& gateway_class = found->second;
            if (gateway_class.controller_name != options.controller_name) continue;
            if (!snapshot.gateways.contains(key_of(gateway->meta))) {
                requests_.push_back({gateway, {}, false});
                continue;
            }
            const auto request = read_addresses(*gateway, rules);
            auto refusal = find_refusal(*gateway, gateway_class, request);
            requests_.push_back({gateway, request, !refusal});
            if (refusal) refused_.emplace_back(gateway, *std::move(refusal));
        }
        assigned_ = assign_addresses(requests_, rules, options, circumstances.assigned);
    }

    JudgedGateways run() && {
        GatewayStates states;
        for (const auto& [gateway, refusal] : refused_) {
            auto& state = begin(states, *gateway);
            state.assigned = assigned_to(*gateway);
            state.accepted = refusal;
            state.programmed = failed("Invalid", "the Gateway is not accepted");
        }
        for (const auto& [gateway, request, is_served] : requests_) {
            if (is_served) judge(begin(states, *gateway), request);
        }
        for (auto& [key, state] : states) {
            program_listeners(state.listeners, "Gateway", state.accepted, state.addresses);
            state.merged = {&state.listeners};
        }
        return {std::move(states), std::move(assigned_)};
    }

  private:
    [[nodiscard]] std::vector<IpAddress> assigned_to(const Gateway& gateway) const {
        const auto found = assigned_.find(key_of(gateway.meta));
        return found == assigned_.end() ? std::vector<IpAddress>{} : found->second;
    }

    GatewayState& begin(GatewayStates& states, const Gateway& gateway) const {
        auto& state = states[key_of(gateway.meta)];
        state.spec = &gateway;
        state.listeners = judge_listeners(gateway.listeners, {});
        state.source = choose_source_mode(gateway, options_);
        return state;
    }

    void judge(GatewayState& state, const AddressRequest& request) {
        state.assigned = assigned_to(*state.spec);
        state.addresses = addresses_of(state, request);
        ports_.claim(state, state.listeners, PortOwners::Named::yes);
        state.accepted = accept_by_listeners(state.listeners, "Gateway");
        state.programmed = program(state, request);
        if (!state.accepted.ok()) state.addresses.clear();
    }

    [[nodiscard]] std::vector<IpAddress> addresses_of(const GatewayState& state, const AddressRequest& request) const {
        std::set<IpAddress> addresses(request.usable.begin(), request.usable.end());
        if (request.is_open) {
            for (const auto& given : options_.address_pool.empty() ? rules_.own() : state.assigned) {
                if (addresses.size() < kMostAddresses) addresses.insert(given);
            }
        }
        return {addresses.begin(), addresses.end()};
    }

    // Of its addresses, those that neighbours do not find. A router may lead their packets here all the same, so they
    // are served.
    [[nodiscard]] std::string missing_of(const GatewayState& state) const {
        std::string text;
        for (const auto& address : state.addresses) {
            const auto found = circumstances_.missing.find(address);
            if (found != circumstances_.missing.end())
                append(text, fmt::format("{} ({})", address.to_string(), found->second), ", ");
        }
        return text;
    }

    [[nodiscard]] Outcome program(const GatewayState& state, const AddressRequest& request) const {
        if (!state.accepted.ok()) return failed("Invalid", "the Gateway is not accepted");
        if (!request.unusable.empty()) {
            return failed("AddressNotUsable", "spec.addresses: cannot listen on " + request.unusable);
        }
        if (const auto missing = missing_of(state); !missing.empty())
            return failed("AddressNotUsable", "the host could not be given " + missing);
        const bool has_pool = !options_.address_pool.empty();
        if (request.is_open && has_pool && state.assigned.empty()) return failed("AddressNotAssigned", used_up());
        if (request.is_open && !has_pool && rules_.own().empty()) {
            return failed(
                "AddressNotAssigned",
                "no address to assign: set spec.addresses, or start slipgated with --address-pool or --address");
        }
        if (request.wants_hostname)
            return failed("AddressNotAssigned", "spec.addresses: no Hostname is given out, only an IPAddress");
        return succeeded("Programmed", "accepted listeners are served on all addresses");
    }

    // The first address of the pool tells, if none of it can be had at all.
    [[nodiscard]] std::string used_up() const {
        const auto& first = options_.address_pool.front().first;
        const auto refusal = rules_.refusal_from_pool(first);
        return refusal.empty() ? "every address of --address-pool is in use: give it more of them"
                               : fmt::format("no address of --address-pool is free that a Gateway can have ({}: {})",
                                             first.to_string(), refusal);
    }

    const TranslateOptions& options_;
    const AddressRules& rules_;
    const Circumstances& circumstances_;
    PortOwners& ports_;
    std::vector<std::pair<const Gateway*, Outcome>> refused_;
    std::vector<GatewayRequest> requests_;  // the oldest first
    AssignedAddresses assigned_;
};

}  // namespace

JudgedGateways judge_gateways(const Snapshot& snapshot, const TranslateOptions& options, const AddressRules& rules,
                              const Circumstances& circumstances, PortOwners& ports) {
    return GatewayJudge(snapshot, options, rules, circumstances, ports).run();
}

GatewayStatus gateway_status(const GatewayState& gateway) {
    const auto generation = gateway.spec->meta.generation;
    GatewayStatus status;
    // What it has of the pool stands there also while it is not served, so that an agent that starts then knows it.
    for (const auto& address : gateway.addresses.empty() ? gateway.assigned : gateway.addresses)
        status.addresses.push_back({"IPAddress", address.to_string()});
    status.conditions.push_back(make_condition("Accepted", gateway.accepted, generation));
    status.conditions.push_back(make_condition("Programmed", gateway.programmed, generation));
    if (gateway.source.outcome)
        status.conditions.push_back(make_condition("slipgate.dev/SourceMode", *gateway.source.outcome, generation));
    status.listeners = listener_statuses(gateway.listeners, generation);
    status.attached_listener_sets = gateway.attached_listener_sets;
    return status;
}

}  // namespace slipgate
