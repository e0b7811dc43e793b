// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string_view>

#include "agent/source/kube/resource.h"

namespace slipgate::kube {

// The resource of that plural name, which the test knows to be one.
inline const Resource& resource(std::string_view plural) {
    const auto all = resources();
    return *std::find_if(all.begin(), all.end(), [&](const Resource& r) { return r.plural == plural; });
}

}  // namespace slipgate::kube
