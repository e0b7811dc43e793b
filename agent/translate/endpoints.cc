// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/endpoints.h"

#include <algorithm>
#include <map>
#include <optional>

#include "agent/translate/source_modes.h"

namespace slipgate {
namespace {

constexpr const char* kServiceNameLabel = "kubernetes.io/service-name";

// By address: an endpoint that two slices name is one, and one of them may lack its node. No mode: it would have to see
// the client's address, and cannot.
using Candidates = std::map<SocketAddress, std::optional<SourceMode>>;

void add(Candidates& candidates, const SocketAddress& address, std::optional<SourceMode> mode) {
    const auto [known, is_new] = candidates.emplace(address, mode);
    if (!is_new) known->second = std::max(known->second, mode);  // none is the least
}

bool has_usable(const Candidates& candidates) {
    return std::any_of(candidates.begin(), candidates.end(), [](const auto& one) { return one.second.has_value(); });
}

struct Tiers {
    Candidates ready;
    Candidates terminating;

    [[nodiscard]] const Candidates& chosen() const { return has_usable(ready) ? ready : terminating; }
    // Those that would be chosen if all of them saw the client's address.
    [[nodiscard]] const Candidates& wanted() const { return ready.empty() ? terminating : ready; }
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

    const auto consider = [&](const EndpointSlice::Endpoint& endpoint, std::uint16_t port) {
        if (!endpoint.ready && !(endpoint.serving && endpoint.terminating)) return;
        if (endpoint.addresses.empty()) return;
        const auto address = IpAddress::parse(endpoint.addresses.front());  // the others have no meaning
        if (!address) return;                                               // the slice's validation has named it
        const SocketAddress candidate{*address, port};
        const bool sees_client = mode != SourceMode::kSnat && answers_through_here(endpoint, *address, options_);
        std::optional<SourceMode> source;
        if (sees_client)
            source = mode;
        else if (mode != SourceMode::kPreserveOnly)
            source = SourceMode::kSnat;
        auto& tiers = by_family[address->is_ipv4()];
        add(endpoint.ready ? tiers.ready : tiers.terminating, candidate, source);
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
        for (const auto& [address, source] : tiers.chosen()) {
            if (source) choice.endpoints.emplace_back(address, *source);
        }
        for (const auto& [address, source] : tiers.wanted()) {
            if (!source) choice.left_out.push_back(address);
        }
    }
    std::sort(choice.endpoints.begin(), choice.endpoints.end());
    std::sort(choice.left_out.begin(), choice.left_out.end());
    return choice;
}

}  // namespace slipgate
