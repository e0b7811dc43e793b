// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/parents.h"

#include "agent/translate/gateways.h"
#include "agent/translate/listener_sets.h"
#include "agent/translate/overlaps.h"

namespace slipgate {

Parents judge_parents(const Snapshot& snapshot, const TranslateOptions& options) {
    Parents parents;
    PortOwners ports;
    parents.gateways = judge_gateways(snapshot, options, ports);
    parents.listener_sets = judge_listener_sets(snapshot, parents.gateways, ports);
    for (const auto& [key, gateway] : parents.gateways) mark_overlaps(gateway.merged);
    return parents;
}

}  // namespace slipgate
