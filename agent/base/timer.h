// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace slipgate {

// A timerfd on the monotonic clock.
class Timer {
  public:
    [[nodiscard]] static Result<Timer> create();

    // Readable once, `delay` from now, and then every `period` (0: not again). Replaces an earlier setting.
    void start(std::chrono::milliseconds delay, std::chrono::milliseconds period = {});

    [[nodiscard]] int fd() const { return fd_.get(); }
    void acknowledge();  // after fd() became readable

  private:
    explicit Timer(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

}  // namespace slipgate
