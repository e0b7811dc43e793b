// SPDX-License-Identifier: Apache-2.0
// The statuses Slipgate writes. lastTransitionTime is not here: the writer adds it, the translator has no clock.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/objects.h"

namespace slipgate {

struct Condition {
    std::string type;
    std::string status;  // True, False, Unknown
    std::string reason;
    std::string message;
    std::int64_t observed_generation = 0;
    bool operator==(const Condition&) const = default;
};

struct GatewayClassStatus {
    std::vector<Condition> conditions;
    std::vector<std::string> supported_features;  // sorted
    bool operator==(const GatewayClassStatus&) const = default;
};

struct ListenerStatus {
    std::string name;
    std::vector<RouteGroupKind> supported_kinds;
    std::int32_t attached_routes = 0;
    std::vector<Condition> conditions;
    bool operator==(const ListenerStatus&) const = default;
};

struct GatewayStatus {
    std::vector<GatewayAddress> addresses;
    std::int32_t attached_listener_sets = 0;
    std::vector<Condition> conditions;
    std::vector<ListenerStatus> listeners;
    bool operator==(const GatewayStatus&) const = default;
};

struct ListenerSetStatus {
    std::vector<Condition> conditions;
    std::vector<ListenerStatus> listeners;
    bool operator==(const ListenerSetStatus&) const = default;
};

struct RouteParentStatus {
    ParentReference parent_ref;  // as written in the spec, defaults included
    std::string controller_name;
    std::vector<Condition> conditions;
    bool operator==(const RouteParentStatus&) const = default;
};

struct TlsRouteStatus {
    std::vector<RouteParentStatus> parents;
    bool operator==(const TlsRouteStatus&) const = default;
};

struct Statuses {
    ObjectMap<GatewayClassStatus> gateway_classes;
    ObjectMap<GatewayStatus> gateways;
    ObjectMap<ListenerSetStatus> listener_sets;
    ObjectMap<TlsRouteStatus> tls_routes;
    bool operator==(const Statuses&) const = default;
};

}  // namespace slipgate
