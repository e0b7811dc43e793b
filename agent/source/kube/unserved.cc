// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/unserved.h"

#include <set>
#include <utility>
#include <vector>

#include "agent/model/controller.h"

namespace slipgate::kube {
namespace {

std::vector<Condition> conditions(const Verdict& verdict, const std::string& why, std::int64_t generation) {
    return {{"Accepted", verdict.status, verdict.accepted, why, generation},
            {"Programmed", verdict.status, verdict.programmed, why, generation}};
}

// An entry for each that has a name, so that what other controllers say of it stays.
std::vector<ListenerStatus> entries(const std::vector<Listener>& listeners, const Verdict& verdict,
                                    const std::string& why, std::int64_t generation) {
    const auto* const programmed = verdict.status == "False" ? "Invalid" : "Pending";
    std::vector<ListenerStatus> statuses;
    std::set<std::string> names;
    for (const auto& listener : listeners) {
        if (listener.name.empty() || !names.insert(listener.name).second) continue;
        statuses.push_back({listener.name,
                            {},
                            0,
                            {{"Accepted", "Unknown", "Pending", why, generation},
                             {"ResolvedRefs", "Unknown", "Pending", why, generation},
                             {"Programmed", verdict.status, programmed, why, generation}}});
    }
    return statuses;
}

}  // namespace

GatewayStatus unserved(const Gateway& gateway, const Verdict& verdict, const std::string& why) {
    const auto generation = gateway.meta.generation;
    GatewayStatus status{
        {}, 0, conditions(verdict, why, generation), entries(gateway.listeners, verdict, why, generation)};
    for (const auto& address : gateway.assigned) status.addresses.push_back({"IPAddress", address.to_string()});
    return status;
}

ListenerSetStatus unserved(const ListenerSet& set, const Verdict& verdict, const std::string& why) {
    const auto generation = set.meta.generation;
    return {conditions(verdict, why, generation), entries(set.listeners, verdict, why, generation)};
}

RouteParentStatus refused_entry(const ParentReference& parent, std::string reason, std::string why,
                                std::int64_t generation) {
    return {parent,
            kOurController,
            {{"Accepted", "False", std::move(reason), std::move(why), generation},
             {"ResolvedRefs", "Unknown", "Pending", "the route is not accepted", generation}}};
}

}  // namespace slipgate::kube
