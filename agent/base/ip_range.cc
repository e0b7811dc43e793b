// SPDX-License-Identifier: Apache-2.0
#include "agent/base/ip_range.h"

#include "agent/base/ip_prefix.h"

namespace slipgate {
namespace {

// Networks of two addresses and fewer have hosts at all of them (RFC 3021, RFC 6164).
IpRange hosts_of(const IpPrefix& network) {
    const bool ipv4 = network.first().is_ipv4();
    const bool is_small = network.length() >= (ipv4 ? 31 : 127);
    return {is_small ? network.first() : network.first().successor(),
            ipv4 && !is_small ? network.last().predecessor() : network.last()};
}

}  // namespace

std::optional<IpRange> IpRange::parse(std::string_view text) {
    if (const auto network = IpPrefix::parse(text)) return hosts_of(*network);
    const auto dash = text.find('-');
    if (dash == text.npos) return std::nullopt;
    const auto first = IpAddress::parse(text.substr(0, dash));
    const auto last = IpAddress::parse(text.substr(dash + 1));
    if (!first || !last || first->is_ipv4() != last->is_ipv4() || *first > *last) return std::nullopt;
    return IpRange{*first, *last};
}

}  // namespace slipgate
