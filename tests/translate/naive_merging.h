// SPDX-License-Identifier: Apache-2.0
// The specification of merging, word for word and slowly: the Gateway, then its ListenerSets, oldest first, then by
// name. It shares no code with the translator.
#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "tests/translate/naive_routing.h"

namespace slipgate::naive {

// The listeners that are served, by port, each with the routes whose parentRefs name its object and that its
// allowedRoutes take. Only for TLS listeners, and namespaces from All, Same or None.
using ServedListeners = std::map<std::uint16_t, std::vector<ListenerRoutes>>;
[[nodiscard]] ServedListeners merge(const Gateway& gateway, const Snapshot& snapshot);

}  // namespace slipgate::naive
