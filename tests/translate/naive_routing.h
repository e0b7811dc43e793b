// SPDX-License-Identifier: Apache-2.0
// The specification of route choice, word for word and slowly: listener first, then the best of its routes. It shares
// no code with the translator.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "agent/translate/names.h"

namespace slipgate::naive {

// "the wildcard character will match any number of characters and dots to the left"; no hostname matches all; neither
// does an IP address match nor a name like one, whose last label is a number.
[[nodiscard]] bool is_match(std::string_view hostname, std::string_view sni);

// Key of the route that serves `sni`: none if no listener matches or none of the chosen listener's routes does.
[[nodiscard]] std::optional<std::string> route_for(const std::vector<ListenerNames>& listeners, const std::string& sni);

}  // namespace slipgate::naive
