// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <optional>
#include <set>

#include "agent/datapath/clock.h"

namespace slipgate {

// Hands out indices of routes and backends. A released index rests for minutes, and one never used before is
// preferred: an opening keeps its backend's index while it tries endpoint after endpoint, and a flow its route's index
// for the access log. Neither may end up with the index of somebody else's object.
class IdAllocator {
  public:
    static constexpr std::chrono::minutes kRest{5};

    explicit IdAllocator(std::uint32_t capacity) : capacity_(capacity) {}

    // None: all are in use or rest; resting() tells which.
    [[nodiscard]] std::optional<std::uint32_t> allocate(TimePoint now);
    void release(std::uint32_t id, TimePoint now) { resting_.push_back({now, id}); }
    [[nodiscard]] bool resting() const { return !resting_.empty(); }

    // At start: `used` are in use already, and those below `mark` were at some time. One of the latter may have been a
    // moment ago, so it rests.
    void adopt(const std::set<std::uint32_t>& used, std::uint32_t mark, TimePoint now);

  private:
    struct Resting {
        TimePoint since;
        std::uint32_t id;
    };

    std::uint32_t capacity_;
    std::uint32_t next_ = 0;  // never used before, and none above
    std::deque<Resting> resting_;
};

}  // namespace slipgate
