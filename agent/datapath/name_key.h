// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include <slipgate/abi.h>

#include "agent/base/result.h"

namespace slipgate {

using NameSecret = std::array<__u64, 2>;  // sg_config.name_key

// Where a hostname of a VIP is found in the map names: "a.example.com" or "*.example.com". Fails on what is no host
// name, with the reason.
[[nodiscard]] Result<sg_name_key> name_key(std::string_view hostname, std::uint32_t vip, const NameSecret& secret);

}  // namespace slipgate
