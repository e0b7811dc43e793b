// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "agent/base/address.h"
#include "agent/model/objects.h"

namespace slipgate {

// What a Gateway asks for in spec.addresses, sorted out. The texts name what was asked for, for conditions.
struct AddressAssignment {
    std::vector<IpAddress> usable;  // sorted, distinct
    std::string unsupported;        // types this controller does not know
    std::string unusable;           // known types, but nothing can listen on them
    bool is_missing = false;        // one was to be assigned and there is none to assign
};

// `defaults` serve a Gateway without spec.addresses and entries with an empty value.
[[nodiscard]] AddressAssignment assign_addresses(const Gateway& gateway, const std::vector<IpAddress>& defaults);

}  // namespace slipgate
