// SPDX-License-Identifier: Apache-2.0
// Two packets in the same instant, on two CPUs.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

namespace slipgate::test {

// The calling thread runs nowhere else.
void stay_on_cpu(std::size_t cpu);

class Race {
  public:
    // Sees which CPUs this process may use: to be made before a bench keeps the process on one of them.
    Race();

    [[nodiscard]] bool possible() const { return cpus_.size() > 1; }
    // The CPU of a runner, 0 or 1.
    [[nodiscard]] std::size_t cpu(std::size_t runner) const { return cpus_.at(runner); }
    // One that the calling thread does not run on.
    [[nodiscard]] std::size_t other_cpu() const;

    // Each round: `run(0)` and `run(1)` at the same time, each on its CPU, and then, with both at rest, `judge()`. Ends
    // when that returns false. Neither may throw.
    void rounds(const std::function<void(std::size_t)>& run, const std::function<bool()>& judge) const;

  private:
    std::vector<std::size_t> cpus_;
};

}  // namespace slipgate::test
