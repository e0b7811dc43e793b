// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "agent/translate/gateway_state.h"

namespace slipgate {

// One parentRef of a route that leads to a Gateway of ours.
struct Attachment {
    const ParentReference* parent_ref = nullptr;
    const GatewayState* gateway = nullptr;
    Outcome accepted;
};

// Tries every parentRef of the route and adds the route to the listeners that take it. ParentRefs that lead nowhere,
// or to somebody else's Gateway, give no Attachment: their status is not ours to write.
[[nodiscard]] std::vector<Attachment> attach(const TlsRoute& route, GatewayStates& gateways, const Snapshot& snapshot);

}  // namespace slipgate
