// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "agent/translate/parents.h"

namespace slipgate {

// One parentRef of a route that leads to a Gateway of ours or to a ListenerSet of one.
struct Attachment {
    const ParentReference* parent_ref = nullptr;
    GatewayState* gateway = nullptr;           // of the ListenerSet, if it is one
    ListenerSetState* listener_set = nullptr;  // if it is one
    std::vector<ListenerState*> listeners;     // that take the route
    Outcome accepted;
};

// Tries every parentRef of the route. ParentRefs that lead nowhere, or to somebody else, give no Attachment: their
// status is not ours to write. Does not depend on other routes.
[[nodiscard]] std::vector<Attachment> attach(const TlsRoute& route, Parents& parents, const Snapshot& snapshot);

}  // namespace slipgate
