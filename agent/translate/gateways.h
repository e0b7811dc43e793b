// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/translate/gateway_state.h"
#include "agent/translate/translate.h"

namespace slipgate {

// Judges every Gateway of our classes, the oldest first: two Gateways that want one port of one address do not share
// it, the first has it and the other's listeners of that port are PortUnavailable.
[[nodiscard]] GatewayStates judge_gateways(const Snapshot& snapshot, const TranslateOptions& options);

[[nodiscard]] GatewayStatus gateway_status(const GatewayState& gateway);

}  // namespace slipgate
