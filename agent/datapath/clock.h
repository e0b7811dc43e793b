// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>

namespace slipgate {

using TimePoint = std::chrono::steady_clock::time_point;
using Clock = std::function<TimePoint()>;  // injected, so that tests own the time

}  // namespace slipgate
