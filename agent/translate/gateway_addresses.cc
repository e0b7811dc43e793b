// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/gateway_addresses.h"

#include <set>

#include "agent/translate/outcome.h"

namespace slipgate {
namespace {

// Packets to these never arrive from another host (link-local ones would need an interface beside the address).
bool is_usable(const IpAddress& address) {
    return !address.is_loopback() && !address.is_link_local() && !address.is_multicast() && !address.is_unspecified();
}

}  // namespace

AddressAssignment assign_addresses(const Gateway& gateway, const std::vector<IpAddress>& defaults) {
    AddressAssignment assignment;
    std::set<IpAddress> usable;
    const auto assign_defaults = [&] {
        usable.insert(defaults.begin(), defaults.end());
        if (defaults.empty()) assignment.is_missing = true;
    };

    if (gateway.addresses.empty()) assign_defaults();
    for (const auto& [type, value] : gateway.addresses) {
        const auto address = IpAddress::parse(value);
        if (type == "Hostname") {
            append(assignment.unusable, "Hostname " + value + " (give an IPAddress)", ", ");
        } else if (type != "IPAddress") {
            append(assignment.unsupported, type, ", ");
        } else if (value.empty()) {
            assign_defaults();
        } else if (address && is_usable(*address)) {
            usable.insert(*address);
        } else {
            append(assignment.unusable, "IPAddress " + value, ", ");
        }
    }
    assignment.usable.assign(usable.begin(), usable.end());
    return assignment;
}

}  // namespace slipgate
