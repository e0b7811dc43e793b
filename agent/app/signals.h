// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <initializer_list>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace slipgate {

// Signals as something to read (signalfd). Made before any thread starts, so that all threads inherit the blocked mask.
class Signals {
  public:
    // Blocks the signals for this thread and those it starts. SIGPIPE is ignored: a reader of the access log that went
    // away is an error of that write, not the end of the agent.
    [[nodiscard]] static Result<Signals> block(std::initializer_list<int> signals);

    [[nodiscard]] int fd() const { return fd_.get(); }
    [[nodiscard]] int read();  // the next signal's number; 0: none

  private:
    explicit Signals(Fd fd) : fd_(std::move(fd)) {}
    Fd fd_;
};

}  // namespace slipgate
