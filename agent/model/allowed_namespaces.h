// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "agent/model/objects.h"

namespace slipgate {

// May an object of `other_namespace` attach to one of `own_namespace`?
[[nodiscard]] bool admits(const AllowedNamespaces& allowed, const std::string& own_namespace,
                          const std::string& other_namespace, const Snapshot& snapshot);

}  // namespace slipgate
