// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/endpoints.h"

#include <algorithm>
#include <set>

namespace slipgate {
namespace {

constexpr const char* kServiceNameLabel = "kubernetes.io/service-name";

struct Tiers {
    std::set<SocketAddress> ready;
    std::set<SocketAddress> terminating;
};

}  // namespace

EndpointIndex::EndpointIndex(const Snapshot& snapshot) {
    for (const auto& [key, slice] : snapshot.endpoint_slices) {
        const auto service = slice.meta.labels.find(kServiceNameLabel);
        if (service == slice.meta.labels.end() || slice.address_type == "FQDN") continue;
        slices_.emplace(slice.meta.namespace_ + "/" + service->second, &slice);
    }
}

std::vector<SocketAddress> EndpointIndex::choose(const std::string& service_key, const std::string& port_name) const {
    std::map<bool, Tiers> by_family;  // kube-proxy, too, decides per family; key: is IPv4

    const auto consider = [&](const EndpointSlice::Endpoint& endpoint, std::uint16_t port) {
        if (!endpoint.ready && !(endpoint.serving && endpoint.terminating)) return;
        if (endpoint.addresses.empty()) return;
        const auto address = IpAddress::parse(endpoint.addresses.front());  // the others have no meaning
        if (!address) return;                                               // the slice's validation has named it
        auto& tiers = by_family[address->is_ipv4()];
        (endpoint.ready ? tiers.ready : tiers.terminating).insert({*address, port});
    };

    const auto [first, last] = slices_.equal_range(service_key);
    for (auto entry = first; entry != last; ++entry) {
        const EndpointSlice& slice = *entry->second;
        for (const auto& port : slice.ports) {
            if (port.name != port_name || port.protocol != "TCP" || !port.port) continue;
            for (const auto& endpoint : slice.endpoints) consider(endpoint, *port.port);
        }
    }

    std::vector<SocketAddress> chosen;
    for (const auto& [is_ipv4, tiers] : by_family) {
        const auto& tier = tiers.ready.empty() ? tiers.terminating : tiers.ready;
        chosen.insert(chosen.end(), tier.begin(), tier.end());
    }
    std::sort(chosen.begin(), chosen.end());
    return chosen;
}

}  // namespace slipgate
