// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/parents.h"

#include "agent/translate/gateways.h"
#include "agent/translate/listener_sets.h"
#include "agent/translate/overlaps.h"

namespace slipgate {

Parents judge_parents(const Snapshot& snapshot, const TranslateOptions& options, const AddressRules& rules,
                      const Circumstances& circumstances) {
    Parents parents;
    PortOwners ports(rules, circumstances.unavailable);
    auto judged = judge_gateways(snapshot, options, rules, circumstances, ports);
    parents.gateways = std::move(judged.states);
    parents.assigned = std::move(judged.assigned);
    parents.listener_sets = judge_listener_sets(snapshot, parents.gateways, ports);
    for (const auto& [key, gateway] : parents.gateways) mark_overlaps(gateway.merged);
    parents.to_listen_on = ports.to_listen_on();
    return parents;
}

}  // namespace slipgate
