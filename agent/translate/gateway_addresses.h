// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "agent/translate/address_pool.h"
#include "agent/translate/address_rules.h"

namespace slipgate {

// What a Gateway asks for in spec.addresses, sorted out. The texts name what was asked for, for conditions.
struct AddressRequest {
    std::vector<IpAddress> usable;  // sorted, distinct
    std::string unsupported;        // types this controller does not know
    std::string unusable;           // known types, but nothing can listen on them, and why
    bool is_open = false;           // it takes what it is given: no spec.addresses, or an entry with an empty value
    bool wants_hostname = false;    // to be given one: a Hostname with an empty value
};

[[nodiscard]] AddressRequest read_addresses(const Gateway& gateway, const AddressRules& rules);

struct GatewayRequest {
    const Gateway* gateway = nullptr;
    AddressRequest request;
    bool is_served = true;  // else it is refused, or its class is not there
};

// Addresses from the pool for the open ones of `requests`, which are in the order of precedence. A Gateway keeps what
// its status says it has, or what `before` says if that is nothing of the pool: also while it is not served, or names
// no address that it can have, since its address is in DNS.
[[nodiscard]] AssignedAddresses assign_addresses(const std::vector<GatewayRequest>& requests, const AddressRules& rules,
                                                 const TranslateOptions& options, const AssignedAddresses& before);

}  // namespace slipgate
