// SPDX-License-Identifier: Apache-2.0
#include "agent/model/conditions.h"

#include <algorithm>
#include <array>

namespace slipgate {

bool is_bad(std::string_view type, std::string_view status) {
    static constexpr std::array<std::string_view, 3> kNegative = {"Conflicted", "slipgate.dev/EndpointsExcluded",
                                                                  "slipgate.dev/NotProgrammed"};
    const bool negative = std::find(kNegative.begin(), kNegative.end(), type) != kNegative.end();
    return status == (negative ? "True" : "False");
}

}  // namespace slipgate
