// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

namespace slipgate {

// An instant, UTC, to the microsecond: what the finest time of Kubernetes (metav1.MicroTime) holds.
using Timestamp = std::chrono::sys_time<std::chrono::microseconds>;

// "2026-01-31T12:00:00.5+02:00": date-time of RFC 3339 5.6 as Kubernetes reads it, so T and Z in upper case and no leap
// second. Digits after the microseconds are cut off.
[[nodiscard]] std::optional<Timestamp> parse_timestamp(std::string_view text);

}  // namespace slipgate
