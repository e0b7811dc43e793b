// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/address_pool.h"

#include <algorithm>
#include <optional>
#include <set>

namespace slipgate {
namespace {

// What follows so many addresses that nobody can have is not looked at: a range of IPv6 may have no end in practice.
constexpr int kMostSteps = 1 << 16;

// The ranges of one family, walked once: what was passed is given to somebody or to nobody.
class FreeAddresses {
  public:
    FreeAddresses(const std::vector<IpRange>& pool, bool ipv4) {
        std::copy_if(pool.begin(), pool.end(), std::back_inserter(ranges_),
                     [&](const IpRange& range) { return range.first.is_ipv4() == ipv4; });
    }

    [[nodiscard]] bool contain(const IpAddress& address) const {
        return std::any_of(ranges_.begin(), ranges_.end(), [&](const auto& range) { return range.contains(address); });
    }

    template <typename IsFree>
    std::optional<IpAddress> take(const IsFree& is_free) {
        for (; range_ < ranges_.size(); ++range_, next_.reset()) {
            auto address = next_.value_or(ranges_[range_].first);
            for (int steps = 0; !is_free(address) && address != ranges_[range_].last && steps < kMostSteps; ++steps)
                address = address.successor();
            next_ = address;
            if (is_free(address)) return address;
        }
        return std::nullopt;
    }

  private:
    std::vector<IpRange> ranges_;
    std::size_t range_ = 0;
    std::optional<IpAddress> next_;  // none: the first of the range
};

}  // namespace

AssignedAddresses assign_from_pool(const std::vector<Asking>& asking, const std::vector<IpRange>& pool,
                                   const std::function<bool(const IpAddress&)>& usable) {
    AssignedAddresses assigned;
    std::set<IpAddress> taken;
    const auto is_free = [&](const IpAddress& address) { return !taken.contains(address) && usable(address); };
    const auto give = [&](const std::string& key, const IpAddress& address) {
        taken.insert(address);
        assigned[key].push_back(address);
    };
    for (const bool ipv4 : {true, false}) {
        FreeAddresses free(pool, ipv4);
        std::set<std::string> served;
        for (const auto& [key, held, only_keeps] : asking) {
            const auto kept = std::find_if(held.begin(), held.end(), [&](const IpAddress& address) {
                return free.contain(address) && is_free(address);
            });
            if (kept == held.end()) continue;
            give(key, *kept);
            served.insert(key);
        }
        for (const auto& [key, held, only_keeps] : asking) {
            if (only_keeps || served.contains(key)) continue;
            const auto address = free.take(is_free);
            if (!address) break;
            give(key, *address);
        }
    }
    return assigned;
}

}  // namespace slipgate
