// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "agent/model/objects.h"

namespace slipgate {

// May an object of `other_namespace` attach to one of `own_namespace`?
[[nodiscard]] bool admits(const AllowedNamespaces& allowed, const std::string& own_namespace,
                          const std::string& other_namespace, const Snapshot& snapshot);

// Why the Gateway takes no ListenerSet of that namespace; nothing if it does. Who is told learns nothing else of it.
[[nodiscard]] std::optional<std::string> why_not_allowed(const Gateway& gateway, const std::string& of_set,
                                                         const Snapshot& snapshot);

}  // namespace slipgate
