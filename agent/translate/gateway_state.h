// SPDX-License-Identifier: Apache-2.0
// What is found out about a Gateway on the way to its status and its VIPs. Pointers are into the snapshot.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/address.h"
#include "agent/model/status.h"
#include "agent/translate/outcome.h"
#include "agent/translate/source_modes.h"

namespace slipgate {

struct ListenerState {
    const Listener* spec = nullptr;
    std::vector<RouteGroupKind> supported_kinds;
    Outcome accepted;
    Outcome resolved_refs;
    Outcome programmed;
    std::optional<Outcome> conflicted;    // absent: no conflict
    std::optional<Outcome> overlapping;   // absent: its hostname overlaps no other of its port
    std::vector<const TlsRoute*> routes;  // attached ones, each once

    [[nodiscard]] const std::string& hostname() const {
        static const std::string kEveryName;
        return spec->hostname ? *spec->hostname : kEveryName;
    }
};

struct GatewayState {
    const Gateway* spec = nullptr;
    std::vector<ListenerState> listeners;  // as in the spec
    std::vector<IpAddress> addresses;      // it answers on; none unless it is accepted
    Outcome accepted;
    Outcome programmed;
    SourceModeChoice source;
};

// The Gateways of our classes, by key.
using GatewayStates = std::map<std::string, GatewayState>;

}  // namespace slipgate
