// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
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

    // After a reconcile of all endpoints: answers that it did not ask for are of endpoints that are gone.
    void forget_unused();

    // Most of the answers may be such: endpoints come and go while only those that are new are asked for.
    [[nodiscard]] bool is_due_to_forget() const { return answers_.size() > 2 * kept_ + kSpare; }

  private:
    struct Answer {
        Route route;
        std::uint64_t used;  // round
    };

    static constexpr std::size_t kSpare = 1000;

    Lookup lookup_;
    std::size_t kept_ = 0;  // when it last forgot
    std::map<IpAddress, Answer> answers_;
    std::uint64_t round_ = 0;  // reconciles so far
};

}  // namespace slipgate
