// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>

#include "agent/app/config.h"

namespace slipgate {

// The parts of slipgated and what they wait for.
class Agent {
  public:
    // Opens everything; the first part that cannot work is the error. Blocks the signals it handles, so it comes before
    // any thread.
    [[nodiscard]] static Result<std::unique_ptr<Agent>> create(const Config& config);
    ~Agent();
    Agent(const Agent&) = delete;
    Agent& operator=(const Agent&) = delete;

    // Serves until SIGTERM or SIGINT. The data path stays as it is, and goes on.
    [[nodiscard]] Status run();

  private:
    struct Parts;
    explicit Agent(std::unique_ptr<Parts> parts);
    std::unique_ptr<Parts> parts_;
};

}  // namespace slipgate
