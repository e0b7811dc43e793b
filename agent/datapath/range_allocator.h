// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>

#include "agent/datapath/clock.h"

namespace slipgate {

// Hands out ranges of an array that BPF programs read without a lock. A released range rests before it is handed out
// again, because a program may have read the descriptor that led to it just before another one was published.
class RangeAllocator {
  public:
    static constexpr std::chrono::seconds kRest{1};

    // All of [0, capacity) is free; it rests first if `rest_from` says since when it may have been in use.
    RangeAllocator(std::uint32_t capacity, std::optional<TimePoint> rest_from);

    // First fit. None: no free range is that long now; resting() tells whether waiting may help. count > 0.
    [[nodiscard]] std::optional<std::uint32_t> allocate(std::uint32_t count, TimePoint now);

    // Takes a given range, resting or not, as adoption finds them. False: it is not free.
    [[nodiscard]] bool reserve(std::uint32_t first, std::uint32_t count);

    // Gives back what allocate() or reserve() gave.
    void release(std::uint32_t first, std::uint32_t count, TimePoint now);

    [[nodiscard]] bool resting() const { return !resting_.empty(); }

  private:
    struct Resting {
        TimePoint since;
        std::uint32_t first;
        std::uint32_t count;
    };

    void wake(TimePoint now);
    void add_free(std::uint32_t first, std::uint32_t count);

    std::map<std::uint32_t, std::uint32_t> free_;  // first -> count; never adjacent
    std::deque<Resting> resting_;                  // oldest first
};

}  // namespace slipgate
