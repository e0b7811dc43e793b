// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/endpoints.h"

#include <algorithm>
#include <map>
#include <optional>

#include "agent/model/labels.h"
#include "agent/translate/source_modes.h"

namespace slipgate {
namespace {

struct Candidate {
    std::optional<SourceMode> source;  // none: it would have to see the client's address, and cannot
    Hints hints;
    bool is_of_host = false;  // the data path leaves it out
};

// By address: an endpoint that two slices name is one, and one of them may lack its node or its hints.
using Candidates = std::map<SocketAddress, Candidate>;

void add(Candidates& candidates, const SocketAddress& address, const Candidate& candidate) {
    const auto [known, is_new] = candidates.emplace(address, candidate);
    if (is_new) return;
    auto& [source, hints, is_of_host] = known->second;
    source = std::max(source, candidate.source);  // none is the least
    hints = {std::max(hints.node, candidate.hints.node), std::max(hints.zone, candidate.hints.zone)};
}

using Chosen = std::vector<const Candidates::value_type*>;

enum class Whom { kAll, kUsable };  // all: as if each of them saw the client's address

Chosen those(const Candidates& candidates, Whom whom) {
    Chosen found;
    for (const auto& one : candidates) {
        if (whom == Whom::kAll || one.second.source) found.push_back(&one);
    }
    return found;
}

// Those of the host itself are nobody's neighbours: they are kept, for the data path to name them.
void keep_near(Chosen& chosen) {
    std::vector<Hints> hints;
    for (const auto* one : chosen) {
        if (!one->second.is_of_host) hints.push_back(one->second.hints);
    }
    const Nearness nearness(hints);
    std::erase_if(chosen,
                  [&](const auto* one) { return !one->second.is_of_host && !nearness.takes(one->second.hints); });
}

struct Tiers {
    Candidates ready;
    Candidates terminating;

    [[nodiscard]] Chosen chosen(Whom whom) const {
        auto found = those(ready, whom);
        if (found.empty()) return those(terminating, whom);  // kube-proxy, too, looks at no hints of these
        keep_near(found);
        return found;
    }
};

// Key of the Service that a slice is of; none: it is of no use.
std::optional<std::string> service_of(const EndpointSlice* slice) {
    if (slice == nullptr || slice->address_type == "FQDN") return {};
    const auto service = slice->meta.labels.find(kServiceNameLabel);
    if (service == slice->meta.labels.end()) return {};
    return slice->meta.namespace_ + "/" + service->second;
}

}  // namespace

std::set<std::string> EndpointIndex::update(const Snapshot& snapshot) {
    std::set<std::string> changed;
    for_each_difference(
        slices_, snapshot.endpoint_slices, [&](const auto& /*key*/, const auto* before, const auto* now) {
            if (const auto service = service_of(before)) {
                const auto [first, last] = by_service_.equal_range(*service);
                by_service_.erase(std::find_if(first, last, [&](const auto& entry) { return entry.second == before; }));
                changed.insert(*service);
            }
            if (const auto service = service_of(now)) {
                by_service_.emplace(*service, now);
                changed.insert(*service);
            }
        });
    slices_ = snapshot.endpoint_slices;
    here_ = location_of(snapshot, options_.node_name);
    own_.clear();
    if (const auto node = snapshot.nodes.find(options_.node_name); node != snapshot.nodes.end()) {
        for (const auto& [type, address] : node->second.addresses) own_.insert(address);
    }
    return changed;
}

EndpointChoice EndpointIndex::choose(const std::string& service_key, const std::string& port_name,
                                     SourceMode mode) const {
    std::map<bool, Tiers> by_family;  // kube-proxy, too, decides per family; key: is IPv4

    const auto consider = [&](const EndpointSlice::Endpoint& endpoint, std::uint16_t port) {
        if (!endpoint.ready && !(endpoint.serving && endpoint.terminating)) return;
        if (endpoint.addresses.empty()) return;
        const auto address = IpAddress::parse(endpoint.addresses.front());  // the others have no meaning
        if (!address) return;                                               // the slice's validation has named it
        const bool sees_client = mode != SourceMode::kSnat && answers_through_here(endpoint, *address, options_);
        std::optional<SourceMode> source;
        if (sees_client)
            source = mode;
        else if (mode != SourceMode::kPreserveOnly)
            source = SourceMode::kSnat;
        auto& tiers = by_family[address->is_ipv4()];
        add(endpoint.ready ? tiers.ready : tiers.terminating, {*address, port},
            {source, hints_for(here_, endpoint), own_.contains(*address)});
    };

    const auto [first, last] = by_service_.equal_range(service_key);
    for (auto entry = first; entry != last; ++entry) {
        const EndpointSlice& slice = *entry->second;
        for (const auto& port : slice.ports) {
            if (port.name != port_name || port.protocol != "TCP" || !port.port) continue;
            for (const auto& endpoint : slice.endpoints) consider(endpoint, *port.port);
        }
    }

    EndpointChoice choice;
    for (const auto& [is_ipv4, tiers] : by_family) {
        for (const auto* one : tiers.chosen(Whom::kUsable))
            choice.endpoints.emplace_back(one->first, *one->second.source);
        for (const auto* one : tiers.chosen(Whom::kAll)) {
            if (!one->second.source) choice.left_out.push_back(one->first);
        }
    }
    std::sort(choice.endpoints.begin(), choice.endpoints.end());
    std::sort(choice.left_out.begin(), choice.left_out.end());
    return choice;
}

}  // namespace slipgate
