// SPDX-License-Identifier: Apache-2.0
// Which addresses are to be put on which interface of the host, and which taken away. Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/ip_prefix.h"

namespace slipgate {

// The agents that follow each other on one host, as a number that is theirs alone. Another one's is left to it.
using AddressOwner = std::uint32_t;

// One that the host has. The same address may be on several interfaces, and with several prefixes.
struct HostAddress {
    IpAddress address;
    IpPrefix network;  // that neighbours are in
    int ifindex = 0;
    std::optional<AddressOwner> owner = {};  // the agent that put it there; none: it is the host's own

    bool operator==(const HostAddress&) const = default;
};

// An address alone, without a network, on an interface.
struct PlacedAddress {
    IpAddress address;
    int ifindex = 0;

    auto operator<=>(const PlacedAddress&) const = default;
};

struct AddressPlan {
    std::vector<PlacedAddress> add, remove;
    std::vector<IpAddress> homeless;  // no interface is known to have those who would look for it

    bool operator==(const AddressPlan&) const = default;
};

// `way_to`: the interface that packets to an address the host does not have leave by; none: there is no route.
// An address goes where its neighbours are, else where the way to it leads. What somebody else than `owner` put on the
// host stays as it is, and is enough.
[[nodiscard]] AddressPlan plan_addresses(const std::vector<HostAddress>& have, const std::set<IpAddress>& want,
                                         AddressOwner owner,
                                         const std::function<std::optional<int>(const IpAddress&)>& way_to);

}  // namespace slipgate
