// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/route_cache.h"

namespace slipgate {

Result<Route> RouteCache::find(const IpAddress& destination) {
    if (const auto known = answers_.find(destination); known != answers_.end()) {
        known->second.used = round_;
        return known->second.route;
    }
    auto answer = lookup_(destination);
    if (answer) answers_.emplace(destination, Answer{*answer, round_});
    return answer;
}

void RouteCache::forget_unused() {
    std::erase_if(answers_, [this](const auto& entry) { return entry.second.used != round_; });
    kept_ = answers_.size();
    ++round_;
}

}  // namespace slipgate
