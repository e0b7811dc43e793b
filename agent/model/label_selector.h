// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "agent/model/objects.h"

namespace slipgate {

// metav1.LabelSelector: all of matchLabels and matchExpressions; an empty selector matches everything. An operator
// that is not one of the four matches nothing.
[[nodiscard]] bool matches(const LabelSelector& selector, const std::map<std::string, std::string>& labels);

}  // namespace slipgate
