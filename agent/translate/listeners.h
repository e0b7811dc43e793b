// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <vector>

#include "agent/translate/gateway_state.h"

namespace slipgate {

// What can be said of a Gateway's listeners by looking at this Gateway alone: Accepted, ResolvedRefs, Conflicted and
// supportedKinds. Only TLS in Passthrough mode is served.
[[nodiscard]] std::vector<ListenerState> judge_listeners(const Gateway& gateway);

// Sets `overlapping` on accepted listeners of one port whose hostnames have names in common.
void mark_overlaps(std::vector<ListenerState>& listeners);

[[nodiscard]] ListenerStatus listener_status(const ListenerState& listener, std::int64_t generation);

}  // namespace slipgate
