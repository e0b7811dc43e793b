// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/contests.h"

#include <algorithm>

namespace slipgate::kube {
namespace {

using namespace std::chrono_literals;

constexpr int kWorthAWord = 4;  // writes

// 0.2 s after the first write, and twice as long each time.
std::chrono::milliseconds rest_after(int writes) {
    constexpr std::chrono::milliseconds kUnit = 100ms, kLongest = 5min;
    constexpr int kMostDoublings = 12;  // of the unit, to exceed the longest
    return std::min(kUnit * (1 << std::min(writes, kMostDoublings)), kLongest);
}

}  // namespace

bool Contests::note_write(const ObjectKey& key, std::int64_t generation, Time now) {
    constexpr auto kOver = 10min;
    auto& contest = contests_[key];
    if (contest.generation != generation || contest.written + kOver < now) contest = {generation, 0, {}};
    contest.written = now;
    return ++contest.writes == kWorthAWord;
}

Contests::Time Contests::rests_until(const ObjectKey& key, std::int64_t generation) const {
    const auto contest = contests_.find(key);
    if (contest == contests_.end() || contest->second.generation != generation) return {};
    return contest->second.written + rest_after(contest->second.writes);
}

}  // namespace slipgate::kube
