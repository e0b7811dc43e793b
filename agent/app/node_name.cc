// SPDX-License-Identifier: Apache-2.0
#include "agent/app/node_name.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <climits>
#include <cstdlib>

namespace slipgate {

std::string this_node_name() {
    if (const char* set = std::getenv("NODE_NAME"); set != nullptr && *set != '\0') return set;
    std::array<char, HOST_NAME_MAX + 1> host{};
    if (gethostname(host.data(), host.size() - 1) != 0) return {};
    std::string name(host.data());
    std::transform(name.begin(), name.end(), name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
    return name;
}

}  // namespace slipgate
