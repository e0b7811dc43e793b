// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <string>

namespace slipgate {

// An object of the routing table, or an interface, that is left out or limited, and why. The rest is served.
struct ServingProblem {
    std::string object;  // "backend shop/web:443 endpoint 10.0.0.7:8443", "interface tun0", ...
    std::string reason;

    auto operator<=>(const ServingProblem&) const = default;
};

}  // namespace slipgate
