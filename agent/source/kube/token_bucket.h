// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <chrono>

namespace slipgate::kube {

// So many at once, and then so many in a time.
class TokenBucket {
  public:
    using Time = std::chrono::steady_clock::time_point;
    using Seconds = std::chrono::duration<double>;

    struct Rate {
        double burst;
        Seconds each;  // until there is one more
    };

    TokenBucket(const Rate& rate, Time now) : rate_(rate), tokens_(rate.burst), filled_at_(now) {}

    [[nodiscard]] bool has_one(Time now) const { return tokens_at(now) >= 1; }
    [[nodiscard]] bool is_full(Time now) const { return tokens_at(now) >= rate_.burst; }

    // Where has_one().
    void take_one(Time now) {
        tokens_ = tokens_at(now) - 1;
        filled_at_ = now;
    }

  private:
    [[nodiscard]] double tokens_at(Time now) const {
        return std::min(rate_.burst, tokens_ + Seconds(now - filled_at_) / rate_.each);
    }

    Rate rate_;
    double tokens_;
    Time filled_at_;
};

}  // namespace slipgate::kube
