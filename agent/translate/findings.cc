// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/findings.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>
#include <utility>

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

bool is_true(const std::vector<Condition>& conditions, std::string_view type) {
    return std::any_of(conditions.begin(), conditions.end(),
                       [&](const auto& condition) { return condition.type == type && condition.status == "True"; });
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
        for (const auto& excluded : findings.endpoints) {
            excluded_[excluded.backend][excluded.exclusion].push_back(&excluded);
            ++unusable_[excluded.backend][excluded.endpoint.address.is_ipv4()];
        }
        for (const auto& unplaced : findings.parts) parts_.emplace(unplaced.part, &unplaced);
    }

    [[nodiscard]] Exclusions exclusions(const std::string& backend) const {
        const auto found = excluded_.find(backend);
        return found == excluded_.end() ? Exclusions{} : found->second;
    }
    // Does a backend have endpoints of that family that get connections?
    [[nodiscard]] bool has_usable(const std::string& backend, const BackendEntry& entry, bool ipv4) const {
        const auto all = std::count_if(entry.endpoints.begin(), entry.endpoints.end(),
                                       [&](const auto& endpoint) { return endpoint.address.is_ipv4() == ipv4; });
        const auto found = unusable_.find(backend);
        if (found == unusable_.end() || !found->second.contains(ipv4)) return all > 0;
        return all > found->second.at(ipv4);
    }
    [[nodiscard]] const UnplacedPart* unplaced(const TablePart& part) const {
        const auto found = parts_.find(part);
        return found == parts_.end() ? nullptr : found->second;
    }
    [[nodiscard]] bool all_placed() const { return parts_.empty(); }

  private:
    std::map<std::string, Exclusions> excluded_;
    std::map<std::string, std::map<bool, std::ptrdiff_t>> unusable_;  // by backend and "is IPv4"
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
    if (!index.has_usable(backend, entry, true) && !index.has_usable(backend, entry, false)) {
        complaints.add(kNothingLeft, {}, service + "no endpoint is left, its share is refused");
        return;
    }
    for (const auto& vip : vips) {
        if (index.has_usable(backend, entry, vip.is_ipv4())) continue;
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
        const auto& translated = translation_.statuses;
        for (const auto& [key, route] : translated.tls_routes) statuses_.tls_routes.put(key, judge_route(key, route));
        if (index_.all_placed()) return std::move(statuses_);
        for (const auto& [key, gateway] : translated.gateways)
            judge_gateway(snapshot_.gateways.at(key), statuses_.gateways[key]);
        for (const auto& [key, set] : translated.listener_sets)
            judge_listener_set(snapshot_.listener_sets.at(key), statuses_.listener_sets[key]);
        return std::move(statuses_);
    }

    [[nodiscard]] TlsRouteStatus judge_route(const std::string& key, TlsRouteStatus route) {
        for (auto& parent : route.parents) judge_parent(key, parent);
        return route;
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

    // After its Gateway. The specification knows no reason for want of room, and Pending of a set that is Unknown only.
    void judge_listener_set(const ListenerSet& spec, ListenerSetStatus& set) {
        const auto key = parent_gateway(spec);
        const auto& gateway = statuses_.gateways.at(key);
        const auto complaints = judge_listeners(spec.listeners, set.listeners, addresses_of(gateway));
        auto* programmed = find(set.conditions, "Programmed");
        if (programmed->status != "True") return;
        if (!is_true(gateway.conditions, "Programmed")) {
            fail_condition(*programmed, parent_not_programmed(key));
        } else if (!complaints.empty()) {
            fail_condition(*programmed, {"False", "ListenersNotValid", complaints.outcome().message});
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

// Backends with other endpoints left out, or for other causes.
void add_differing(const std::vector<ExcludedEndpoint>& before, const std::vector<ExcludedEndpoint>& after,
                   std::set<std::string>& backends) {
    if (before == after) return;
    const std::set<ExcludedEndpoint> old(before.begin(), before.end());
    const std::set<ExcludedEndpoint> now(after.begin(), after.end());
    std::vector<ExcludedEndpoint> differing;
    std::set_symmetric_difference(old.begin(), old.end(), now.begin(), now.end(), std::back_inserter(differing));
    for (const auto& endpoint : differing) backends.insert(endpoint.backend);
}

// Does it have IPv4 endpoints, and IPv6 ones? Without findings no more of them matters.
std::pair<bool, bool> families_of(const BackendEntry& backend) {
    const auto has = [&](bool ipv4) {
        return std::any_of(backend.endpoints.begin(), backend.endpoints.end(),
                           [&](const auto& endpoint) { return endpoint.address.is_ipv4() == ipv4; });
    };
    return {has(true), has(false)};
}

// Is each TLSRoute judged by itself, its routes and its backends alone?
bool gateways_answer_the_same(const Translation& a, const Translation& b) {
    bool same = a.source_modes == b.source_modes;
    for_each_difference(a.statuses.gateways, b.statuses.gateways,
                        [&](const auto& /*key*/, const GatewayStatus* old, const GatewayStatus* now) {
                            same = same && old && now && old->addresses == now->addresses;
                        });
    return same;
}

// Keys of TLSRoutes that have to be judged again.
std::set<std::string> routes_to_judge(const Translation& before, const Findings& findings_before,
                                      const Translation& after, const Findings& findings_after) {
    std::set<std::string> with_findings;
    for (const auto* endpoints : {&after.excluded, &findings_after.endpoints}) {
        for (const auto& excluded : *endpoints) with_findings.insert(excluded.backend);
    }
    std::set<std::string> backends;
    for_each_difference(before.table.backends, after.table.backends,
                        [&](const auto& key, const BackendEntry* old, const BackendEntry* now) {
                            if (!old || !now) return;  // came or went with its routes
                            if (families_of(*old) != families_of(*now) || with_findings.contains(key))
                                backends.insert(key);
                        });
    add_differing(before.excluded, after.excluded, backends);
    add_differing(findings_before.endpoints, findings_after.endpoints, backends);
    std::set<std::string> routes;
    for_each_difference(before.statuses.tls_routes, after.statuses.tls_routes,
                        [&](const auto& key, const auto* /*old*/, const auto* /*now*/) { routes.insert(key); });
    for_each_difference(
        before.table.routes, after.table.routes,
        [&](const auto& key, const auto* /*old*/, const auto* /*now*/) { routes.emplace(without_mode(key)); });
    if (backends.empty()) return routes;
    const auto is_concerned = [&](const auto& share) { return share.backend && backends.contains(*share.backend); };
    for (const auto& [key, route] : after.table.routes) {
        if (std::any_of(route.backends.begin(), route.backends.end(), is_concerned)) routes.emplace(without_mode(key));
    }
    return routes;
}

}  // namespace

Statuses add_findings(const Translation& translation, const Snapshot& snapshot, const Findings& findings) {
    return Merge(translation, snapshot, findings).run();
}

const Statuses& FindingsAdder::add(const Translation& translation, const Snapshot& snapshot, const Findings& findings) {
    Merge merge(translation, snapshot, findings);
    if (seen_ && seen_->findings.parts.empty() && findings.parts.empty() &&
        seen_->listener_sets.shares_all(snapshot.listener_sets) &&
        gateways_answer_the_same(seen_->translation, translation)) {
        const auto& translated = translation.statuses;
        statuses_.gateway_classes = translated.gateway_classes;
        statuses_.gateways = translated.gateways;
        statuses_.listener_sets = translated.listener_sets;
        for (const auto& key : routes_to_judge(seen_->translation, seen_->findings, translation, findings)) {
            if (const auto route = translated.tls_routes.find(key); route != translated.tls_routes.end())
                statuses_.tls_routes.put(key, merge.judge_route(key, route->second));
            else
                statuses_.tls_routes.erase(key);
        }
    } else {
        const auto all = std::move(merge).run();
        statuses_.gateway_classes.become(all.gateway_classes);
        statuses_.gateways.become(all.gateways);
        statuses_.listener_sets.become(all.listener_sets);
        statuses_.tls_routes.become(all.tls_routes);
    }
    seen_ = Seen{translation, snapshot.listener_sets, findings};
    return statuses_;
}

}  // namespace slipgate
