// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "agent/base/ip_range.h"
#include "agent/translate/translate.h"

namespace slipgate {

// A Gateway that is to be given addresses.
struct Asking {
    std::string key;
    std::vector<IpAddress> held;  // those it may have had before, the likeliest first
    bool only_keeps = false;      // it gets no other
};

// One address of each family that the pool has, as long as there are some. Who holds one keeps it, the first in
// `asking` if several do. The others get the lowest free ones, range by range, in the order of `asking`. Addresses that
// are not `usable` are nobody's.
[[nodiscard]] AssignedAddresses assign_from_pool(const std::vector<Asking>& asking, const std::vector<IpRange>& pool,
                                                 const std::function<bool(const IpAddress&)>& usable);

}  // namespace slipgate
