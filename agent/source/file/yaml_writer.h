// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace slipgate {

// JSON as block-style YAML that parse_yaml() (and kubectl) reads back as the same value: a string that would read as
// something else, like a condition's status "True", is quoted.
[[nodiscard]] std::string write_yaml(const nlohmann::ordered_json& value);

}  // namespace slipgate
