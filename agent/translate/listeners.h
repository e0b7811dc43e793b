// SPDX-License-Identifier: Apache-2.0
// What the listeners of a Gateway and of a ListenerSet have in common.
#pragma once

#include <string>
#include <vector>

#include "agent/translate/conflicts.h"
#include "agent/translate/gateway_state.h"

namespace slipgate {

// Accepted, ResolvedRefs, Conflicted and supportedKinds of the listeners of one object, as far as they depend on it and
// on what comes before it. Only TLS in Passthrough mode is served.
[[nodiscard]] ListenerStates judge_listeners(const std::vector<Listener>& listeners, const TakenNames& taken);

// Accepted of the object by that of its listeners. `kind`: Gateway or ListenerSet.
[[nodiscard]] Outcome accept_by_listeners(const ListenerStates& listeners, const std::string& kind);

// Sets Programmed of the listeners of an object with that Accepted, on a Gateway with these addresses.
void program_listeners(ListenerStates& listeners, const std::string& kind, const Outcome& accepted,
                       const std::vector<IpAddress>& addresses);

[[nodiscard]] std::vector<ListenerStatus> listener_statuses(const ListenerStates& listeners, std::int64_t generation);

}  // namespace slipgate
