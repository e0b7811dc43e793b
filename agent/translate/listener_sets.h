// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/translate/gateway_state.h"
#include "agent/translate/ports.h"

namespace slipgate {

// Judges every ListenerSet of a Gateway of ours in the order of precedence, so that of two listeners in conflict the
// first is served, and merges those that are allowed to join with their Gateways. It takes no port from a Gateway's own
// listener, however young.
[[nodiscard]] ListenerSetStates judge_listener_sets(const Snapshot& snapshot, GatewayStates& gateways,
                                                    PortOwners& ports);

// Programmed of a set of a Gateway that is not.
[[nodiscard]] Outcome parent_not_programmed(const std::string& gateway);

[[nodiscard]] ListenerSetStatus listener_set_status(const ListenerSetState& set);

}  // namespace slipgate
