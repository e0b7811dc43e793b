// SPDX-License-Identifier: Apache-2.0
// The specification of route choice, word for word and slowly: listener first, then the best of its routes. It shares
// no code with the translator.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/model/objects.h"

namespace slipgate::naive {

// A listener of a port and the routes attached to it. Hostnames of one port's listeners are distinct.
struct ListenerRoutes {
    std::string hostname;  // empty: every name
    std::vector<const TlsRoute*> routes;
};

// "the wildcard character will match any number of characters and dots to the left"; no hostname matches all; neither
// does an IP address match nor a name like one, whose last label is a number.
[[nodiscard]] bool is_match(std::string_view hostname, std::string_view sni);

// Key of the route that serves `sni`: none if no listener matches or none of the chosen listener's routes does.
[[nodiscard]] std::optional<std::string> route_for(const std::vector<ListenerRoutes>& listeners,
                                                   const std::string& sni);

}  // namespace slipgate::naive
