// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

#include "agent/base/result.h"
#include "agent/datapath/counters.h"

namespace slipgate {

// Every counter of include/slipgate/counters.h, summed over the CPUs. `fd` is that of the map counters.
[[nodiscard]] Result<std::vector<Counter>> read_counters(int fd);

// Name of an enum sg_counter; "unknown" beyond the last one.
[[nodiscard]] std::string_view counter_name(unsigned counter);

}  // namespace slipgate
