// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "agent/translate/parents.h"

namespace slipgate {

// One parentRef of a route that leads to a Gateway of ours or to a ListenerSet of one.
struct Attachment {
    const ParentReference* parent_ref = nullptr;
    const GatewayState* gateway = nullptr;  // of the ListenerSet, if it is one
    Outcome accepted;
};

// Tries every parentRef of the route and adds the route to the listeners that take it. ParentRefs that lead nowhere,
// or to somebody else, give no Attachment: their status is not ours to write.
[[nodiscard]] std::vector<Attachment> attach(const TlsRoute& route, Parents& parents, const Snapshot& snapshot);

}  // namespace slipgate
