// SPDX-License-Identifier: Apache-2.0
// The data plane looks a name up once: the exact name, else the longest wildcard. Gateway API asks for more: first the
// listener whose hostname fits best, then the best of that listener's routes, and no second chance with another
// listener. Flattening turns the second into the first.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/model/objects.h"

namespace slipgate {

// A listener of a VIP and the routes attached to it. Hostnames of one VIP's listeners are distinct.
struct ListenerNames {
    std::string hostname;  // empty: every name
    std::vector<const TlsRoute*> routes;
};

// Hostname -> route that serves it ("namespace/name"), or none where a listener owns the name and no route serves it:
// VipEntry::names. A hostname nobody can send (an IP address) is left out.
using FlatNames = std::map<std::string, std::optional<std::string>>;

[[nodiscard]] FlatNames flatten_names(const std::vector<ListenerNames>& listeners);

}  // namespace slipgate
