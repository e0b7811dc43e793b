// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace slipgate {

inline constexpr std::string_view kVersion = SLIPGATE_VERSION;  // of the build, set by CMake

}  // namespace slipgate
