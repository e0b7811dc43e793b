// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "agent/model/status.h"

namespace slipgate {

// Does the condition tell of something wrong? Mostly one that is False; some have negative polarity, as Conflicted.
// OverlappingTLSConfig=True does not: foo.example.com beside *.example.com is what passthrough routing is for.
[[nodiscard]] bool is_bad(std::string_view type, std::string_view status);
[[nodiscard]] inline bool is_bad(const Condition& condition) {
    return is_bad(condition.type, condition.status);
}

}  // namespace slipgate
