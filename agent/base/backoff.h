// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>

namespace slipgate {

// How long to wait after so many failures in a row before this one: 0.2 s doubling up to 30 s.
[[nodiscard]] inline std::chrono::milliseconds backoff_delay(int failures) {
    constexpr std::chrono::milliseconds kFirst{200}, kLongest{30'000};
    return std::min(kFirst * (1 << std::min(failures, 10)), kLongest);
}

class Backoff {
  public:
    [[nodiscard]] std::chrono::milliseconds next() { return backoff_delay(failures_++); }
    void reset() { failures_ = 0; }

  private:
    int failures_ = 0;
};

}  // namespace slipgate
