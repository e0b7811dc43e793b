// SPDX-License-Identifier: Apache-2.0
// What to say of an object that the API server holds and the agent does not take, as one of a later release. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "agent/source/kube/status_merge.h"
#include "agent/source/kube/stored_objects.h"

namespace slipgate::kube {

// Accepted is False, the message says why. Nothing if the object is none of ours: `statuses`, of those that the agent
// takes, has neither its class nor a parent of it.
[[nodiscard]] std::optional<WantedStatus> unsupported_status(const UnsupportedObject& unsupported,
                                                             const Statuses& statuses);

// Of a Gateway that is refused, itself or with its class.
[[nodiscard]] GatewayStatus refused_gateway(const Gateway& gateway, const std::string& why);

// What a route says of a parent under which it is not accepted, so that its references were not looked at.
[[nodiscard]] RouteParentStatus refused_entry(const ParentReference& parent, std::string reason, std::string why,
                                              std::int64_t generation);

}  // namespace slipgate::kube
