// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string_view>

#include "agent/base/address.h"

namespace slipgate {

// Addresses of one family that hosts can be given: "192.0.2.10-192.0.2.19", "192.0.2.0/24", "2001:db8::1".
struct IpRange {
    IpAddress first;
    IpAddress last;  // inclusive

    // FIRST-LAST with FIRST <= LAST, an address alone, or a network less the addresses that mean the whole of it: its
    // first (the network, RFC 1122 3.2.1.3; its routers, RFC 4291 2.6.1), and of IPv4 its last (broadcast).
    static std::optional<IpRange> parse(std::string_view text);

    [[nodiscard]] bool contains(const IpAddress& address) const {
        return address.is_ipv4() == first.is_ipv4() && first <= address && address <= last;
    }

    auto operator<=>(const IpRange&) const = default;
};

}  // namespace slipgate
