// SPDX-License-Identifier: Apache-2.0
// Our filter at ingress of the clsact qdisc of an interface. It stays when the agent goes, and is known by its fixed
// priority and handle.
#pragma once

#include <set>

#include "agent/base/result.h"

namespace slipgate::clsact {

// Makes the qdisc where it is missing, and adds the filter or replaces the program in it. Filters of others stay.
[[nodiscard]] Status put_filter(int ifindex, int program_fd);

// Indexes of the interfaces of this network namespace that have our filter.
[[nodiscard]] std::set<int> find_filters();

// Takes the filter away, and the qdisc if no filter is left in it. An interface that is gone is no error.
[[nodiscard]] Status remove_filter(int ifindex);

}  // namespace slipgate::clsact
