// SPDX-License-Identifier: Apache-2.0
#include "agent/host/address_plan.h"

#include <algorithm>

namespace slipgate {
namespace {

// The interface with the smallest network around the address. Those of agents are alone in theirs.
std::optional<int> neighbours_of(const IpAddress& address, const std::vector<HostAddress>& have) {
    const HostAddress* nearest = nullptr;
    for (const auto& one : have) {
        if (one.owner || !one.network.contains(address)) continue;
        if (!nearest || one.network.length() > nearest->network.length()) nearest = &one;
    }
    return nearest ? std::optional(nearest->ifindex) : std::nullopt;
}

}  // namespace

AddressPlan plan_addresses(const std::vector<HostAddress>& have, const std::set<IpAddress>& want, AddressOwner owner,
                           const std::function<std::optional<int>(const IpAddress&)>& way_to) {
    AddressPlan plan;
    std::set<PlacedAddress> ours, needed;
    std::set<IpAddress> of_others;
    for (const auto& one : have) {
        if (one.owner == owner)
            ours.insert({one.address, one.ifindex});
        else
            of_others.insert(one.address);
    }
    for (const auto& address : want) {
        if (of_others.contains(address)) continue;
        const auto here = std::find_if(ours.begin(), ours.end(), [&](const auto& o) { return o.address == address; });
        auto interface = neighbours_of(address, have);
        if (!interface) interface = here != ours.end() ? here->ifindex : way_to(address);
        if (interface)
            needed.insert({address, *interface});
        else
            plan.homeless.push_back(address);
    }
    std::set_difference(needed.begin(), needed.end(), ours.begin(), ours.end(), std::back_inserter(plan.add));
    std::set_difference(ours.begin(), ours.end(), needed.begin(), needed.end(), std::back_inserter(plan.remove));
    return plan;
}

}  // namespace slipgate
