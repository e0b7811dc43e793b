// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/allowed_namespaces.h"

#include "agent/translate/label_selector.h"

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

}  // namespace slipgate
