// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>

#include "agent/base/address.h"
#include "agent/base/result.h"

namespace slipgate {

// The addresses of all interfaces in this network namespace (getifaddrs(3)).
[[nodiscard]] Result<std::set<IpAddress>> local_addresses();

}  // namespace slipgate
