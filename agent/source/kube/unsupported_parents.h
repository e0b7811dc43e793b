// SPDX-License-Identifier: Apache-2.0
// What to say of objects whose GatewayClass, Gateway or ListenerSet the API server holds and the agent does not take.
// Pure.
#pragma once

#include <map>

#include "agent/model/status.h"
#include "agent/source/kube/stored_objects.h"

namespace slipgate::kube {

// `statuses`, those of what the agent takes of `snapshot`, with the classes, Gateways and ListenerSets of ours among
// `unsupported`. What leads to one of these is not accepted, and the message says why: the Gateways of a class,
// ListenerSets, and routes under that parent.
[[nodiscard]] Statuses with_unsupported_parents(Statuses statuses, const Snapshot& snapshot,
                                                const std::map<ObjectKey, UnsupportedObject>& unsupported);

}  // namespace slipgate::kube
