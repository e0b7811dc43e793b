// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/endpoints.h"

#include <algorithm>

namespace slipgate {
namespace {

constexpr const char* kServiceNameLabel = "kubernetes.io/service-name";

// Why the data plane must not use the address; empty: it may.
std::string reason_to_exclude(const IpAddress& address, const OwnAddresses& own) {
    if (address.is_unspecified()) return "unspecified";
    if (address.is_loopback()) return "loopback";
    if (address.is_link_local()) return "link-local";
    if (address.is_multicast()) return "multicast";
    if (own.vips.contains(address)) return "address of a Gateway";
    if (own.local.contains(address)) return "address of the gateway node";
    return {};
}

struct Tiers {
    std::set<SocketAddress> ready;
    std::set<SocketAddress> terminating;
};

}  // namespace

bool EndpointChoice::has_family(bool ipv4) const {
    return std::any_of(endpoints.begin(), endpoints.end(), [&](const auto& e) { return e.address.is_ipv4() == ipv4; });
}

EndpointIndex::EndpointIndex(const Snapshot& snapshot, OwnAddresses own_addresses)
    : own_addresses_(std::move(own_addresses)) {
    for (const auto& [key, slice] : snapshot.endpoint_slices) {
        const auto service = slice.meta.labels.find(kServiceNameLabel);
        if (service == slice.meta.labels.end() || slice.address_type == "FQDN") continue;
        slices_.emplace(slice.meta.namespace_ + "/" + service->second, &slice);
    }
}

EndpointChoice EndpointIndex::choose(const std::string& service_key, const std::string& port_name) const {
    EndpointChoice choice;
    std::map<bool, Tiers> by_family;  // kube-proxy, too, decides per family; key: is IPv4

    const auto consider = [&](const EndpointSlice::Endpoint& endpoint, std::uint16_t port) {
        if (!endpoint.ready && !(endpoint.serving && endpoint.terminating)) return;
        if (endpoint.addresses.empty()) return;
        const auto address = IpAddress::parse(endpoint.addresses.front());  // the others have no meaning
        if (!address) {
            choice.excluded.insert(endpoint.addresses.front() + " (not an IP address)");
            return;
        }
        const SocketAddress candidate{*address, port};
        if (const auto reason = reason_to_exclude(*address, own_addresses_); !reason.empty()) {
            choice.excluded.insert(candidate.to_string() + " (" + reason + ")");
            return;
        }
        auto& tiers = by_family[address->is_ipv4()];
        (endpoint.ready ? tiers.ready : tiers.terminating).insert(candidate);
    };

    const auto [first, last] = slices_.equal_range(service_key);
    for (auto entry = first; entry != last; ++entry) {
        const EndpointSlice& slice = *entry->second;
        for (const auto& port : slice.ports) {
            if (port.name != port_name || port.protocol != "TCP" || !port.port) continue;
            for (const auto& endpoint : slice.endpoints) consider(endpoint, *port.port);
        }
    }

    for (const auto& [is_ipv4, tiers] : by_family) {
        const auto& chosen = tiers.ready.empty() ? tiers.terminating : tiers.ready;
        choice.endpoints.insert(choice.endpoints.end(), chosen.begin(), chosen.end());
    }
    std::sort(choice.endpoints.begin(), choice.endpoints.end());
    return choice;
}

}  // namespace slipgate
