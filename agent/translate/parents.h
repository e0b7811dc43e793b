// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/translate/address_rules.h"
#include "agent/translate/gateway_state.h"
#include "agent/translate/translate.h"

namespace slipgate {

// What routes can attach to.
struct Parents {
    GatewayStates gateways;
    ListenerSetStates listener_sets;  // each points to its Gateway
    AssignedAddresses assigned;
    std::set<SocketAddress> to_listen_on;
};

// Two Gateways that want one port of one address do not share it: the older has it, and the others' listeners of that
// port are PortUnavailable.
[[nodiscard]] Parents judge_parents(const Snapshot& snapshot, const TranslateOptions& options,
                                    const AddressRules& rules, const Circumstances& circumstances);

}  // namespace slipgate
