// SPDX-License-Identifier: Apache-2.0
// Statuses as the JSON of the Gateway API, in the order it is written. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "agent/model/status.h"

namespace slipgate {

using StatusJson = nlohmann::ordered_json;

// Conditions are without their lastTransitionTime, which depends on what was there before.
[[nodiscard]] StatusJson to_json(const std::vector<Condition>& conditions);
[[nodiscard]] StatusJson to_json(const ParentReference& parent);
[[nodiscard]] StatusJson to_json(const GatewayClassStatus& status);
[[nodiscard]] StatusJson to_json(const GatewayStatus& status);
[[nodiscard]] StatusJson to_json(const ListenerSetStatus& status);
[[nodiscard]] StatusJson to_json(const TlsRouteStatus& status);

// lastTransitionTime of a condition that has this status now: that of the same condition before if its status was the
// same, else `now`. `previous` may be anything.
[[nodiscard]] std::string transition_time(std::string_view status, const nlohmann::json& previous,
                                          std::string_view now);

}  // namespace slipgate
