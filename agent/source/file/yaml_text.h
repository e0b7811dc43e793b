// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace slipgate {

struct TextError {
    int line = 0;  // from 1
    std::string message;
};

// The first place where the text holds what no YAML may (YAML 1.2.2, 5.1: control characters other than tab and line
// breaks; 5.2: bytes that are not UTF-8). Asked before the library reads the text, because it does not look.
[[nodiscard]] std::optional<TextError> find_unprintable(std::string_view text);

}  // namespace slipgate
