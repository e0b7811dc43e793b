// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/range_allocator.h"

#include <algorithm>
#include <iterator>

namespace slipgate {

RangeAllocator::RangeAllocator(std::uint32_t capacity, std::optional<TimePoint> rest_from) {
    if (capacity == 0) return;
    if (rest_from) {
        resting_.push_back({*rest_from, 0, capacity});
    } else {
        free_.emplace(0, capacity);
    }
}

std::optional<std::uint32_t> RangeAllocator::allocate(std::uint32_t count, TimePoint now) {
    wake(now);
    const auto fit = std::find_if(free_.begin(), free_.end(), [count](const auto& f) { return f.second >= count; });
    if (fit == free_.end()) return std::nullopt;
    const auto [first, size] = *fit;
    free_.erase(fit);
    if (size > count) free_.emplace(first + count, size - count);
    return first;
}

bool RangeAllocator::reserve(std::uint32_t first, std::uint32_t count) {
    const auto contains = [first, count](std::uint32_t at, std::uint32_t size) {
        return at <= first && first - at <= size && count <= size - (first - at);
    };
    if (auto after = free_.upper_bound(first); after != free_.begin()) {
        const auto found = std::prev(after);
        const auto [at, size] = *found;
        if (contains(at, size)) {
            free_.erase(found);
            if (first > at) free_.emplace(at, first - at);
            if (at + size > first + count) free_.emplace(first + count, at + size - first - count);
            return true;
        }
    }
    const auto found =
        std::find_if(resting_.begin(), resting_.end(), [&](const Resting& r) { return contains(r.first, r.count); });
    if (found == resting_.end()) return false;
    const Resting whole = *found;
    auto next = resting_.erase(found);
    const std::uint32_t end = whole.first + whole.count;
    if (end > first + count) next = resting_.insert(next, {whole.since, first + count, end - first - count});
    if (first > whole.first) resting_.insert(next, {whole.since, whole.first, first - whole.first});
    return true;
}

void RangeAllocator::release(std::uint32_t first, std::uint32_t count, TimePoint now) {
    if (count > 0) resting_.push_back({now, first, count});
}

void RangeAllocator::wake(TimePoint now) {
    while (!resting_.empty() && now - resting_.front().since >= kRest) {
        add_free(resting_.front().first, resting_.front().count);
        resting_.pop_front();
    }
}

void RangeAllocator::add_free(std::uint32_t first, std::uint32_t count) {
    const auto after = free_.lower_bound(first);
    if (after != free_.end() && first + count == after->first) {
        count += after->second;
        free_.erase(after);
    }
    const auto behind = free_.lower_bound(first);
    if (behind != free_.begin()) {
        const auto before = std::prev(behind);
        if (before->first + before->second == first) {
            before->second += count;
            return;
        }
    }
    free_.emplace(first, count);
}

}  // namespace slipgate
