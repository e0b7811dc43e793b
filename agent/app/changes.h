// SPDX-License-Identifier: Apache-2.0
// What an operator wants to read after a change of configuration: pure comparisons, a line per object.
#pragma once

#include <string>
#include <vector>

#include "agent/ir/routing_table.h"
#include "agent/model/status.h"

namespace slipgate {

struct TableChange {
    std::string verb;    // added, removed, changed
    std::string kind;    // vip, hostname, route, backend
    std::string name;    // "192.0.2.1:443", "192.0.2.1:443 *.example.com", "shop/web", "shop/web:443"
    std::string detail;  // what it is now; for a backend, which endpoints came and went

    bool operator==(const TableChange&) const = default;
};

[[nodiscard]] std::vector<TableChange> compare(const RoutingTable& before, const RoutingTable& after);

struct ConditionChange {
    std::string kind;  // Gateway, ...
    std::string name;  // "shop/gateway"
    std::string part;  // "listener https", "parent shop/gateway https"; empty: the object itself
    Condition condition;

    bool operator==(const ConditionChange&) const = default;
};

// Conditions that are new or have another status, reason or message, and bad ones that went while their object stays
// (status "absent"). A new observedGeneration alone is no change.
[[nodiscard]] std::vector<ConditionChange> compare(const Statuses& before, const Statuses& after);

// Objects with at least one bad condition, by kind; kinds without objects are absent.
[[nodiscard]] std::map<std::string, std::size_t> count_bad(const Statuses& statuses);

}  // namespace slipgate
