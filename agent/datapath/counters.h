// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace slipgate {

// A counter of include/slipgate/counters.h, summed over the CPUs.
struct Counter {
    enum class Kind { kRefusal, kDrop, kOccurrence };

    Kind kind;
    std::string_view name;
    std::string_view help;
    std::uint64_t value;
};

}  // namespace slipgate
