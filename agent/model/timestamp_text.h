// SPDX-License-Identifier: Apache-2.0
// Instants as the API server writes them.
#pragma once

#include <string>

#include "agent/model/timestamp.h"

namespace slipgate {

[[nodiscard]] Timestamp now_utc();

// "2026-01-31T12:00:00Z": metav1.Time.
[[nodiscard]] std::string to_time(Timestamp time);

// "2026-01-31T12:00:00.000001Z": metav1.MicroTime, always with six digits.
[[nodiscard]] std::string to_micro_time(Timestamp time);

}  // namespace slipgate
