// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "agent/translate/gateway_state.h"

namespace slipgate {

// Sets `overlapping` on accepted listeners of one port whose hostnames have names in common. `merged`: all listeners
// of a Gateway, object by object.
void mark_overlaps(const std::vector<ListenerStates*>& merged);

}  // namespace slipgate
