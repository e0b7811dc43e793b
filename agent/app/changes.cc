// SPDX-License-Identifier: Apache-2.0
#include "agent/app/changes.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <tuple>

#include "agent/model/conditions.h"

namespace slipgate {
namespace {

constexpr std::size_t kMaxListed = 8;  // endpoints named in one line

std::string describe(const RouteEntry& route) {
    std::string text;
    for (const auto& share : route.backends) {
        fmt::format_to(std::back_inserter(text), "{}{} weight {}", text.empty() ? "" : ", ",
                       share.backend.value_or("invalid"), share.weight);
    }
    return text;
}

std::string describe(const std::optional<std::string>& route) {
    return route ? "route " + *route : "no route";
}

// "+10.0.0.1:443 +10.0.0.2:443 and 5 more"
void append_listed(std::string& text, char sign, const std::set<BackendEndpoint>& endpoints,
                   const std::set<BackendEndpoint>& without) {
    std::vector<BackendEndpoint> listed;
    std::set_difference(endpoints.begin(), endpoints.end(), without.begin(), without.end(), std::back_inserter(listed));
    for (std::size_t i = 0; i < std::min(listed.size(), kMaxListed); i++)
        fmt::format_to(std::back_inserter(text), " {}{}", sign, listed[i].to_string());
    if (listed.size() > kMaxListed)
        fmt::format_to(std::back_inserter(text), " {}{} more", sign, listed.size() - kMaxListed);
}

std::string describe(const BackendEntry& before, const BackendEntry& after) {
    const std::set<BackendEndpoint> old(before.endpoints.begin(), before.endpoints.end());
    const std::set<BackendEndpoint> now(after.endpoints.begin(), after.endpoints.end());
    std::string text = fmt::format("{} endpoint{}", now.size(), now.size() == 1 ? "" : "s");
    append_listed(text, '+', now, old);
    append_listed(text, '-', old, now);
    return text;
}

// Calls back for every key with what it was and what it is; a null pointer where it is not.
template <typename Key, typename T, typename Callback>
void for_each_change(const SharedMap<Key, T>& before, const SharedMap<Key, T>& after, Callback callback) {
    for_each_difference(before, after, [&](const auto& key, const T* old, const T* now) {
        if (!old || !now || *old != *now) callback(key, old, now);
    });
}

const char* verb(const void* before, const void* after) {
    return !before ? "added" : !after ? "removed" : "changed";
}

void compare_vip(const SocketAddress& address, const VipEntry* before, const VipEntry* after,
                 std::vector<TableChange>& changes) {
    static const VipEntry none;
    const auto vip = address.to_string();
    if (!before || !after) {
        changes.push_back(
            {verb(before, after), "vip", vip,
             after ? fmt::format("{} hostname{}", after->names.size(), after->names.size() == 1 ? "" : "s") : ""});
    }
    if (!after) return;  // its names went with it
    for_each_change(before ? before->names : none.names, after->names,
                    [&](const auto& name, const auto* old, const auto* now) {
                        changes.push_back({verb(old, now), "hostname", vip + " " + name, now ? describe(*now) : ""});
                    });
}

// Every condition of all objects, by where it stands.
using Place = std::tuple<std::string, std::string, std::string, std::string>;  // kind, name, part, type
using Conditions = std::map<Place, Condition>;

void add(Conditions& all, const std::string& kind, const std::string& name, const std::string& part,
         const std::vector<Condition>& conditions) {
    for (const auto& condition : conditions) all[{kind, name, part, condition.type}] = condition;
}

void add(Conditions& all, const std::string& kind, const std::string& name,
         const std::vector<ListenerStatus>& listeners) {
    for (const auto& listener : listeners) add(all, kind, name, "listener " + listener.name, listener.conditions);
}

// A Gateway and a ListenerSet may have one name.
std::string describe(const ParentReference& parent) {
    std::string text = parent.kind == "Gateway" ? "parent " : "parent " + parent.kind + " ";
    text += (parent.namespace_ ? *parent.namespace_ + "/" : "") + parent.name;
    if (parent.section_name) text += " " + *parent.section_name;
    if (parent.port) text += fmt::format(" port {}", *parent.port);
    return text;
}

Conditions flatten(const Statuses& statuses) {
    Conditions all;
    for (const auto& [name, status] : statuses.gateway_classes) add(all, "GatewayClass", name, "", status.conditions);
    for (const auto& [name, status] : statuses.gateways) {
        add(all, "Gateway", name, "", status.conditions);
        add(all, "Gateway", name, status.listeners);
    }
    for (const auto& [name, status] : statuses.listener_sets) {
        add(all, "ListenerSet", name, "", status.conditions);
        add(all, "ListenerSet", name, status.listeners);
    }
    for (const auto& [name, status] : statuses.tls_routes) {
        for (const auto& parent : status.parents)
            add(all, "TLSRoute", name, describe(parent.parent_ref), parent.conditions);
    }
    return all;
}

// Of the objects whose statuses are not the same.
std::pair<Conditions, Conditions> differing_conditions(const Statuses& before, const Statuses& after) {
    Statuses old;
    Statuses now;
    const auto pick = [&](auto objects) {
        for_each_change(before.*objects, after.*objects, [&](const auto& key, const auto* was, const auto* is) {
            if (was) (old.*objects).put(key, *was);
            if (is) (now.*objects).put(key, *is);
        });
    };
    pick(&Statuses::gateway_classes);
    pick(&Statuses::gateways);
    pick(&Statuses::listener_sets);
    pick(&Statuses::tls_routes);
    return {flatten(old), flatten(now)};
}

bool says_the_same(const Condition& a, const Condition& b) {
    return a.status == b.status && a.reason == b.reason && a.message == b.message;
}

// The object is still there, and so is the part of it.
bool has_conditions_beside(const Conditions& conditions, const Place& place) {
    const auto& [kind, name, part, type] = place;
    const auto first = conditions.lower_bound({kind, name, part, ""});
    if (first == conditions.end()) return false;
    return std::tie(std::get<0>(first->first), std::get<1>(first->first), std::get<2>(first->first)) ==
           std::tie(kind, name, part);
}

}  // namespace

std::vector<TableChange> compare(const RoutingTable& before, const RoutingTable& after) {
    std::vector<TableChange> changes;
    for_each_change(before.vips, after.vips, [&](const auto& address, const auto* old, const auto* now) {
        compare_vip(address, old, now, changes);
    });
    for_each_change(before.routes, after.routes, [&](const auto& name, const auto* old, const auto* now) {
        changes.push_back({verb(old, now), "route", name, now ? describe(*now) : ""});
    });
    for_each_change(before.backends, after.backends, [&](const auto& name, const auto* old, const auto* now) {
        static const BackendEntry none;
        changes.push_back({verb(old, now), "backend", name, now ? describe(old ? *old : none, *now) : ""});
    });
    return changes;
}

std::vector<ConditionChange> compare(const Statuses& before, const Statuses& after) {
    const auto [old, now] = differing_conditions(before, after);
    std::vector<ConditionChange> changes;
    for (const auto& [place, condition] : now) {
        const auto known = old.find(place);
        if (known != old.end() && says_the_same(known->second, condition)) continue;
        const auto& [kind, name, part, type] = place;
        changes.push_back({kind, name, part, condition});
    }
    for (const auto& [place, condition] : old) {
        if (!is_bad(condition) || now.contains(place) || !has_conditions_beside(now, place)) continue;
        const auto& [kind, name, part, type] = place;
        changes.push_back({kind, name, part, {type, "absent", "", "over: " + condition.message, 0}});
    }
    return changes;
}

std::map<std::string, std::size_t> count_bad(const Statuses& statuses) {
    std::map<std::string, std::size_t> counts;
    const auto count = [&](const std::string& kind, const auto& objects, auto has_bad) {
        for (const auto& [key, status] : objects) {
            if (has_bad(status)) ++counts[kind];
        }
    };
    const auto any_bad = [](const std::vector<Condition>& conditions) {
        return std::any_of(conditions.begin(), conditions.end(),
                           [](const auto& condition) { return is_bad(condition); });
    };
    const auto any_bad_in = [&](const auto& parts) {
        return std::any_of(parts.begin(), parts.end(), [&](const auto& part) { return any_bad(part.conditions); });
    };
    const auto any_bad_of = [&](const auto& status) {
        return any_bad(status.conditions) || any_bad_in(status.listeners);
    };
    count("GatewayClass", statuses.gateway_classes, [&](const auto& status) { return any_bad(status.conditions); });
    count("Gateway", statuses.gateways, any_bad_of);
    count("ListenerSet", statuses.listener_sets, any_bad_of);
    count("TLSRoute", statuses.tls_routes, [&](const auto& status) { return any_bad_in(status.parents); });
    return counts;
}

}  // namespace slipgate
