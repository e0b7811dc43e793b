// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "agent/translate/complaints.h"
#include "agent/translate/listener_sets.h"

namespace slipgate {
namespace {

constexpr const char* kEndpointsExcluded = "slipgate.dev/EndpointsExcluded";
constexpr const char* kNotProgrammed = "slipgate.dev/NotProgrammed";

constexpr std::size_t kListedEndpoints = 5;

// What comes after all exclusions of the data path.
constexpr std::size_t kFamilyMismatch = kExclusions.size();
constexpr std::size_t kNothingLeft = kFamilyMismatch + 1;

const char* reason_of(UnplacedPart::Cause cause) {
    switch (cause) {
        case UnplacedPart::Cause::kNoRoom:
            return "NoResources";
        case UnplacedPart::Cause::kInvalid:
            return "Invalid";
        case UnplacedPart::Cause::kPending:
            return "Pending";
    }
    return "";
}

Condition* find(std::vector<Condition>& conditions, std::string_view type) {
    const auto found = std::find_if(conditions.begin(), conditions.end(),
                                    [&](const auto& condition) { return condition.type == type; });
    return found == conditions.end() ? nullptr : &*found;
}

bool is_true(std::vector<Condition>& conditions, std::string_view type) {
    const auto* condition = find(conditions, type);
    return condition && condition->status == "True";
}

void add_condition(std::vector<Condition>& conditions, std::string type, const Complaints& complaints) {
    if (complaints.empty()) return;
    const auto generation = conditions.front().observed_generation;
    conditions.push_back(make_condition(std::move(type), complaints.outcome(), generation));
}

std::vector<IpAddress> addresses_of(const GatewayStatus& gateway) {
    std::vector<IpAddress> addresses;
    for (const auto& [type, value] : gateway.addresses) {
        if (const auto address = IpAddress::parse(value)) addresses.push_back(*address);
    }
    return addresses;
}

// The findings, by what they are about.
class Index {
  public:
    using Exclusions = std::map<Exclusion, std::vector<const ExcludedEndpoint*>>;

    Index(const Translation& translation, const Findings& findings) {
        for (const auto& excluded : translation.excluded)
            excluded_[excluded.backend][excluded.exclusion].push_back(&excluded);
        for (const auto& [key, backend] : translation.table.backends) {
            for (const auto& endpoint : backend.endpoints) ++usable_[key][endpoint.address.is_ipv4()];
        }
        for (const auto& excluded : findings.endpoints) {
            excluded_[excluded.backend][excluded.exclusion].push_back(&excluded);
            auto& usable = usable_[excluded.backend][excluded.endpoint.address.is_ipv4()];
            usable -= std::min<std::size_t>(usable, 1);
        }
        for (const auto& unplaced : findings.parts) parts_.emplace(unplaced.part, &unplaced);
    }

    [[nodiscard]] Exclusions exclusions(const std::string& backend) const {
        const auto found = excluded_.find(backend);
        return found == excluded_.end() ? Exclusions{} : found->second;
    }
    // Endpoints of a backend that get connections.
    [[nodiscard]] std::size_t usable(const std::string& backend, bool ipv4) const {
        const auto found = usable_.find(backend);
        if (found == usable_.end() || !found->second.contains(ipv4)) return 0;
        return found->second.at(ipv4);
    }
    [[nodiscard]] const UnplacedPart* unplaced(const TablePart& part) const {
        const auto found = parts_.find(part);
        return found == parts_.end() ? nullptr : found->second;
    }
    [[nodiscard]] bool all_placed() const { return parts_.empty(); }

  private:
    std::map<std::string, Exclusions> excluded_;
    std::map<std::string, std::map<bool, std::size_t>> usable_;  // by backend and "is IPv4"
    std::map<TablePart, const UnplacedPart*> parts_;
};

std::string list(const std::vector<const ExcludedEndpoint*>& endpoints) {
    std::string text;
    for (std::size_t i = 0; i < std::min(endpoints.size(), kListedEndpoints); ++i) {
        const auto& endpoint = *endpoints[i];
        append(text, endpoint.endpoint.to_string(), ", ");
        if (!endpoint.detail.empty()) append(text, "(" + endpoint.detail + ")", " ");
    }
    if (endpoints.size() > kListedEndpoints)
        append(text, std::to_string(endpoints.size() - kListedEndpoints) + " more", " and ");
    return text;
}

void judge_endpoints(const std::string& backend, const BackendEntry& entry, const std::vector<IpAddress>& vips,
                     const Index& index, Complaints& complaints) {
    const std::string service = "Service " + std::string(without_mode(backend)) + ": ";
    const auto exclusions = index.exclusions(backend);
    for (const auto& [exclusion, endpoints] : exclusions) {
        const auto& text = text_of(exclusion);
        complaints.add(static_cast<std::size_t>(exclusion), std::string(text.reason),
                       fmt::format("{}{} left out: {}; {}", service, list(endpoints), text.meaning, text.remedy));
    }
    if (entry.endpoints.empty() && exclusions.empty()) return;  // ResolvedRefs says so
    if (index.usable(backend, true) + index.usable(backend, false) == 0) {
        complaints.add(kNothingLeft, {}, service + "no endpoint is left, its share is refused");
        return;
    }
    for (const auto& vip : vips) {
        if (index.usable(backend, vip.is_ipv4()) != 0) continue;
        complaints.add(
            kFamilyMismatch, "FamilyMismatch",
            fmt::format("{}no {} endpoint, its share of connections to {} is refused; make the Service dual-stack",
                        service, vip.is_ipv4() ? "IPv4" : "IPv6", vip.to_string()));
    }
}

class Merge {
  public:
    Merge(const Translation& translation, const Snapshot& snapshot, const Findings& findings)
        : translation_(translation),
          table_(translation.table),
          snapshot_(snapshot),
          index_(translation, findings),
          statuses_(translation.statuses) {}

    Statuses run() && {
        for (auto& [key, route] : statuses_.tls_routes) {
            for (auto& parent : route.parents) judge_parent(key, parent);
        }
        if (index_.all_placed()) return std::move(statuses_);
        for (auto& [key, gateway] : statuses_.gateways) judge_gateway(snapshot_.gateways.at(key), gateway);
        for (auto& [key, set] : statuses_.listener_sets) judge_listener_set(snapshot_.listener_sets.at(key), set);
        return std::move(statuses_);
    }

  private:
    void judge_parent(const std::string& route_key, RouteParentStatus& parent) {
        const auto& route_namespace = snapshot_.tls_routes.at(route_key).meta.namespace_;
        const auto gateway = gateway_of(parent.parent_ref, route_namespace);
        const auto route = table_.routes.find(with_mode(route_key, translation_.source_modes.at(gateway)));
        if (route == table_.routes.end() || !is_true(parent.conditions, "Accepted")) return;
        const auto vips = addresses_of(statuses_.gateways.at(gateway));

        Complaints excluded;
        Complaints unplaced;
        note(TablePart::of_route(route->first), "", unplaced);
        for (const auto& share : route->second.backends) {
            if (!share.backend || share.weight == 0) continue;  // no connection needs it
            judge_endpoints(*share.backend, table_.backends.at(*share.backend), vips, index_, excluded);
            note(TablePart::of_backend(*share.backend), "Service " + std::string(without_mode(*share.backend)) + ": ",
                 unplaced);
        }
        if (!index_.all_placed()) {
            for (const auto& vip : vips) note_names(vip, route->first, unplaced);
        }
        add_condition(parent.conditions, kEndpointsExcluded, excluded);
        add_condition(parent.conditions, kNotProgrammed, unplaced);
    }

    // Key of the Gateway behind an entry of a route's status: there are entries only for what leads to one of ours.
    [[nodiscard]] std::string gateway_of(const ParentReference& ref, const std::string& route_namespace) const {
        const auto key = ref.namespace_.value_or(route_namespace) + "/" + ref.name;
        return ref.kind == "ListenerSet" ? parent_gateway(snapshot_.listener_sets.at(key)) : key;
    }

    // The names of a Gateway's address that lead to the route.
    void note_names(const IpAddress& address, const std::string& route, Complaints& complaints) {
        for (auto vip = table_.vips.lower_bound({address, 0}); vip != table_.vips.end(); ++vip) {
            if (vip->first.address != address) break;
            for (const auto& [hostname, leads_to] : vip->second.names) {
                if (leads_to != route) continue;
                note(TablePart::of_name(vip->first, hostname), hostname + " on " + vip->first.to_string() + ": ",
                     complaints);
            }
        }
    }

    void note(const TablePart& part, const std::string& subject, Complaints& complaints) const {
        if (const auto* unplaced = index_.unplaced(part)) {
            complaints.add(static_cast<std::size_t>(unplaced->cause), reason_of(unplaced->cause),
                           subject + unplaced->detail);
        }
    }

    void judge_gateway(const Gateway& spec, GatewayStatus& gateway) {
        const auto complaints = judge_listeners(spec.listeners, gateway.listeners, addresses_of(gateway));
        auto* programmed = find(gateway.conditions, "Programmed");
        if (!complaints.empty() && programmed->status == "True") fail_condition(*programmed, complaints.outcome());
    }

    // After its Gateway. As for a listener, the spec knows no reason for want of room.
    void judge_listener_set(const ListenerSet& spec, ListenerSetStatus& set) {
        const auto key = parent_gateway(spec);
        auto& gateway = statuses_.gateways.at(key);
        const auto complaints = judge_listeners(spec.listeners, set.listeners, addresses_of(gateway));
        auto* programmed = find(set.conditions, "Programmed");
        if (programmed->status != "True") return;
        if (!is_true(gateway.conditions, "Programmed")) {
            fail_condition(*programmed, parent_not_programmed(key));
        } else if (!complaints.empty()) {
            fail_condition(*programmed, {"False", "Pending", complaints.outcome().message});
        }
    }

    // Programmed of the listeners; what is wrong with their VIPs.
    Complaints judge_listeners(const std::vector<Listener>& specs, std::vector<ListenerStatus>& listeners,
                               const std::vector<IpAddress>& addresses) const {
        Complaints all;
        for (std::size_t i = 0; i < listeners.size(); ++i) {
            auto* programmed = find(listeners[i].conditions, "Programmed");
            if (programmed->status != "True") continue;
            Complaints here;
            for (const auto& address : addresses) {
                const SocketAddress vip{address, specs[i].port};
                for (auto* complaints : {&here, &all})
                    note(TablePart::of_vip(vip), vip.to_string() + ": ", *complaints);
            }
            // The spec knows no reason for want of room here, as it does for a Gateway.
            if (!here.empty()) fail_condition(*programmed, {"False", "Pending", here.outcome().message});
        }
        return all;
    }

    static void fail_condition(Condition& condition, const Outcome& outcome) {
        condition =
            make_condition(condition.type, failed(outcome.reason, outcome.message), condition.observed_generation);
    }

    const Translation& translation_;
    const RoutingTable& table_;
    const Snapshot& snapshot_;
    Index index_;
    Statuses statuses_;
};

}  // namespace

Statuses add_findings(const Translation& translation, const Snapshot& snapshot, const Findings& findings) {
    return Merge(translation, snapshot, findings).run();
}

}  // namespace slipgate
