// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/gateway_addresses.h"

#include <fmt/format.h>

#include <set>

#include "agent/translate/outcome.h"

namespace slipgate {

AddressRequest read_addresses(const Gateway& gateway, const AddressRules& rules) {
    AddressRequest request;
    std::set<IpAddress> usable;
    request.is_open = gateway.addresses.empty();
    for (const auto& [type, value] : gateway.addresses) {
        const auto address = IpAddress::parse(value);
        if (type == "Hostname" && value.empty()) {
            request.wants_hostname = true;
        } else if (type == "Hostname") {
            append(request.unusable, fmt::format("Hostname {} (give an IPAddress)", value), ", ");
        } else if (type != "IPAddress") {
            append(request.unsupported, type, ", ");
        } else if (value.empty()) {
            request.is_open = true;
        } else if (const auto refusal = address ? rules.refusal_of_request(*address) : "it is none"; !refusal.empty()) {
            append(request.unusable, fmt::format("IPAddress {} ({})", value, refusal), ", ");
        } else {
            usable.insert(*address);
        }
    }
    request.usable.assign(usable.begin(), usable.end());
    return request;
}

AssignedAddresses assign_addresses(const std::vector<GatewayRequest>& requests, const AddressRules& rules,
                                   const TranslateOptions& options, const AssignedAddresses& before) {
    std::vector<Asking> asking;
    for (const auto& [gateway, request, is_served] : requests) {
        if (is_served && !request.is_open && !request.usable.empty()) continue;
        const auto key = key_of(gateway->meta);
        auto held = gateway->assigned;
        if (const auto known = before.find(key); known != before.end())
            held.insert(held.end(), known->second.begin(), known->second.end());
        asking.push_back({key, std::move(held), !is_served || !request.is_open});
    }
    const auto usable = [&](const IpAddress& address) { return rules.refusal_from_pool(address).empty(); };
    return assign_from_pool(asking, options.address_pool, usable);
}

}  // namespace slipgate
