// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>

#include "agent/base/address.h"
#include "agent/base/result.h"
#include "agent/datapath/routes.h"

namespace slipgate {

// What the kernel's routing answered, kept until the network changes: a reconcile of many endpoints of which one is new
// asks once. Failures are not kept: they may be passing ones of the asking itself.
class RouteCache {
  public:
    using Lookup = std::function<Result<Route>(const IpAddress& destination)>;

    explicit RouteCache(Lookup lookup) : lookup_(std::move(lookup)) {}

    [[nodiscard]] Result<Route> find(const IpAddress& destination);

    // Interfaces, addresses, routes or rules changed.
    void invalidate() { answers_.clear(); }

    // After each reconcile: answers that it did not ask for are of endpoints that are gone.
    void forget_unused();

  private:
    struct Answer {
        Route route;
        std::uint64_t used;  // round
    };

    Lookup lookup_;
    std::map<IpAddress, Answer> answers_;
    std::uint64_t round_ = 0;  // reconciles so far
};

}  // namespace slipgate
