// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/endpoints.h"

#include <algorithm>
#include <map>
#include <set>

#include "agent/translate/source_modes.h"

namespace slipgate {
namespace {

constexpr const char* kServiceNameLabel = "kubernetes.io/service-name";

// By address: an endpoint that two slices name is one, and one of them may lack its node.
using Candidates = std::map<SocketAddress, SourceMode>;

void add(Candidates& candidates, const SocketAddress& address, SourceMode mode) {
    const auto [known, is_new] = candidates.emplace(address, mode);
    if (!is_new) known->second = std::max(known->second, mode);
}

struct Tiers {
    Candidates ready;
    Candidates terminating;
};

}  // namespace

EndpointIndex::EndpointIndex(const Snapshot& snapshot, const TranslateOptions& options) : options_(options) {
    for (const auto& [key, slice] : snapshot.endpoint_slices) {
        const auto service = slice.meta.labels.find(kServiceNameLabel);
        if (service == slice.meta.labels.end() || slice.address_type == "FQDN") continue;
        slices_.emplace(slice.meta.namespace_ + "/" + service->second, &slice);
    }
}

EndpointChoice EndpointIndex::choose(const std::string& service_key, const std::string& port_name,
                                     SourceMode mode) const {
    std::map<bool, Tiers> by_family;  // kube-proxy, too, decides per family; key: is IPv4
    std::set<SocketAddress> left_out;

    const auto consider = [&](const EndpointSlice::Endpoint& endpoint, std::uint16_t port) {
        if (!endpoint.ready && !(endpoint.serving && endpoint.terminating)) return;
        if (endpoint.addresses.empty()) return;
        const auto address = IpAddress::parse(endpoint.addresses.front());  // the others have no meaning
        if (!address) return;                                               // the slice's validation has named it
        const SocketAddress candidate{*address, port};
        const bool sees_client = mode != SourceMode::kSnat && answers_through_here(endpoint, *address, options_);
        if (mode == SourceMode::kPreserveOnly && !sees_client) {
            left_out.insert(candidate);
            return;
        }
        auto& tiers = by_family[address->is_ipv4()];
        add(endpoint.ready ? tiers.ready : tiers.terminating, candidate, sees_client ? mode : SourceMode::kSnat);
    };

    const auto [first, last] = slices_.equal_range(service_key);
    for (auto entry = first; entry != last; ++entry) {
        const EndpointSlice& slice = *entry->second;
        for (const auto& port : slice.ports) {
            if (port.name != port_name || port.protocol != "TCP" || !port.port) continue;
            for (const auto& endpoint : slice.endpoints) consider(endpoint, *port.port);
        }
    }

    EndpointChoice choice;
    for (const auto& [is_ipv4, tiers] : by_family) {
        for (const auto& [address, source] : tiers.ready.empty() ? tiers.terminating : tiers.ready) {
            choice.endpoints.emplace_back(address, source);
            left_out.erase(address);  // another slice knows its node
        }
    }
    std::sort(choice.endpoints.begin(), choice.endpoints.end());
    choice.left_out.assign(left_out.begin(), left_out.end());
    return choice;
}

}  // namespace slipgate
