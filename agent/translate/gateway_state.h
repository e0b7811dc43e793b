// SPDX-License-Identifier: Apache-2.0
// What is found out about Gateways and ListenerSets on the way to their statuses and VIPs. Pointers are into the
// snapshot, or from one state to another.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/address.h"
#include "agent/model/status.h"
#include "agent/translate/names.h"
#include "agent/translate/outcome.h"
#include "agent/translate/source_modes.h"

namespace slipgate {

struct ListenerState {
    const Listener* spec = nullptr;
    std::vector<RouteGroupKind> supported_kinds;
    Outcome accepted;
    Outcome resolved_refs;
    Outcome programmed;
    std::optional<Outcome> conflicted;   // absent: no conflict
    std::optional<Outcome> overlapping;  // absent: its hostname overlaps no other of its port
    std::set<const TlsRoute*> routes;    // attached ones

    [[nodiscard]] const std::string& hostname() const {
        static const std::string kEveryName;
        return spec->hostname ? *spec->hostname : kEveryName;
    }
};

using ListenerStates = std::vector<ListenerState>;  // of one object, as in its spec

struct GatewayState {
    const Gateway* spec = nullptr;
    ListenerStates listeners;
    std::vector<IpAddress> addresses;  // it answers on; none unless it is accepted
    std::vector<IpAddress> assigned;   // it has of the pool, whether it answers there or not
    Outcome accepted;
    Outcome programmed;
    SourceModeChoice source;
    std::vector<ListenerStates*> merged;  // its listeners, then those of ListenerSets that joined, by precedence
    std::int32_t attached_listener_sets = 0;
    std::map<std::uint16_t, PortNames> ports;  // of accepted listeners, on each of its addresses
};

struct ListenerSetState {
    const ListenerSet* spec = nullptr;
    GatewayState* gateway = nullptr;
    ListenerStates listeners;
    Outcome accepted;
    Outcome programmed;
};

// Those of our classes, by key.
using GatewayStates = std::map<std::string, GatewayState>;
using ListenerSetStates = std::map<std::string, ListenerSetState>;

}  // namespace slipgate
