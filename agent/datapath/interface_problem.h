// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <compare>
#include <string>

namespace slipgate {

// A network interface that does not carry the program, and why. The others are served.
struct InterfaceProblem {
    std::string interface;
    std::string reason;

    auto operator<=>(const InterfaceProblem&) const = default;
};

}  // namespace slipgate
