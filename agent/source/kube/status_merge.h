// SPDX-License-Identifier: Apache-2.0
// What becomes of a status that several controllers write to. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <variant>

#include "agent/model/status.h"

namespace slipgate::kube {

using WantedStatus = std::variant<GatewayClassStatus, GatewayStatus, ListenerSetStatus, TlsRouteStatus>;

struct MergedStatus {
    nlohmann::json status;
    // One of our conditions that it replaces, or takes away, is of a later generation: whoever wrote it knew more,
    // unless the object is of that generation still and the condition is from an earlier life of it.
    bool is_overtaken = false;
};

// The status to write in the place of `current` (null: there is none), or nothing if that says it already.
//
// What is ours is replaced where it stands: conditions of our types, listener entries, and of a route's parents those
// of our controllerName; what is ours and no longer wanted goes. All else stays as and where it is. New things come
// last; a route has room for 32 parents, and those of others come first. `generation`: of the object that `wanted` is
// about. `now`: RFC 3339, for lastTransitionTime.
[[nodiscard]] std::optional<MergedStatus> merge_status(const nlohmann::json& current, const WantedStatus& wanted,
                                                       std::int64_t generation, std::string_view now);

}  // namespace slipgate::kube
