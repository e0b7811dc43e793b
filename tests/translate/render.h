// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "agent/translate/translate.h"

namespace slipgate::golden {

// The whole translation as YAML, one line for each condition, so that differences read well.
[[nodiscard]] std::string render(const Translation& translation);

}  // namespace slipgate::golden
