// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/id_allocator.h"

#include <algorithm>

namespace slipgate {

std::optional<std::uint32_t> IdAllocator::allocate(TimePoint now) {
    if (next_ < capacity_) return next_++;
    if (resting_.empty() || now - resting_.front().since < kRest) return std::nullopt;
    const auto id = resting_.front().id;
    resting_.pop_front();
    return id;
}

void IdAllocator::adopt(const std::set<std::uint32_t>& used, std::uint32_t mark, TimePoint now) {
    next_ = std::min(capacity_, std::max(mark, used.empty() ? 0 : *used.rbegin() + 1));
    for (std::uint32_t id = 0; id < next_; ++id) {
        if (!used.contains(id)) resting_.push_back({now, id});
    }
}

}  // namespace slipgate
