// SPDX-License-Identifier: Apache-2.0
// What to say of an object that the API server holds and the agent does not take, as one of a later release. Pure.
#pragma once

#include <optional>
#include <string>

#include "agent/source/kube/status_merge.h"
#include "agent/source/kube/stored_objects.h"

namespace slipgate::kube {

// Accepted is False, the message says why. Nothing if the object is none of ours: `statuses`, of those that the agent
// takes, has neither its class nor a parent of it.
[[nodiscard]] std::optional<WantedStatus> unsupported_status(const UnsupportedObject& unsupported,
                                                             const Statuses& statuses, const Snapshot& snapshot);

}  // namespace slipgate::kube
