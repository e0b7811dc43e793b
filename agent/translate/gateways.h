// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/translate/gateway_state.h"
#include "agent/translate/ports.h"
#include "agent/translate/translate.h"

namespace slipgate {

struct JudgedGateways {
    GatewayStates states;
    AssignedAddresses assigned;  // of the pool; also to Gateways whose class is not there
};

// Judges every Gateway of our classes by itself, the oldest first: it has the ports it claims.
[[nodiscard]] JudgedGateways judge_gateways(const Snapshot& snapshot, const TranslateOptions& options,
                                            const AddressRules& rules, const Circumstances& circumstances,
                                            PortOwners& ports);

[[nodiscard]] GatewayStatus gateway_status(const GatewayState& gateway);

}  // namespace slipgate
