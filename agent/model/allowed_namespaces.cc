// SPDX-License-Identifier: Apache-2.0
#include "agent/model/allowed_namespaces.h"

#include "agent/model/label_selector.h"

namespace slipgate {
namespace {

// A namespace that is not known has no labels yet to be judged by: no selector takes it, not even one with NotIn.
bool is_selected(const std::string& name, const std::optional<LabelSelector>& selector, const Snapshot& snapshot) {
    const auto found = snapshot.namespaces.find(name);
    return selector && found != snapshot.namespaces.end() && matches(*selector, found->second.meta.labels);
}

}  // namespace

bool admits(const AllowedNamespaces& allowed, const std::string& own_namespace, const std::string& other_namespace,
            const Snapshot& snapshot) {
    if (allowed.from == "All") return true;
    if (allowed.from == "Same") return own_namespace == other_namespace;
    return allowed.from == "Selector" && is_selected(other_namespace, allowed.selector, snapshot);
}

std::optional<std::string> why_not_allowed(const Gateway& gateway, const std::string& of_set,
                                           const Snapshot& snapshot) {
    if (admits(gateway.allowed_listeners, gateway.meta.namespace_, of_set, snapshot)) return std::nullopt;
    return "spec.allowedListeners of Gateway " + key_of(gateway.meta) + " takes no ListenerSets from namespace " +
           of_set;
}

}  // namespace slipgate
