// SPDX-License-Identifier: Apache-2.0
// YAML (and so JSON) text to JSON values that still know their lines.
#pragma once

#include <yaml-cpp/yaml.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace slipgate {

// Where the text stops being YAML (lines count from 1), or what in it cannot be JSON: a key that is not a scalar, a key
// set twice, nesting deeper than 100, aliases that expand without bound.
struct YamlError {
    int line = 0;
    std::string message;
};

class YamlDocument {
  public:
    YamlDocument(const YAML::Node& root, nlohmann::json value) : root_(root), value_(std::move(value)) {}

    // Plain scalars are typed like kubectl types them: null, booleans (yes, no, on and off among them), numbers;
    // everything else, dates included, is a string.
    [[nodiscard]] const nlohmann::json& value() const { return value_; }

    // The line of a field written like "spec.listeners[1].tls.mode". Of a field that is not there: the line of the
    // innermost part of the path that is.
    [[nodiscard]] int line_of(std::string_view path) const;

  private:
    YAML::Node root_;
    nlohmann::json value_;
};

// The value of an unquoted scalar.
[[nodiscard]] nlohmann::json plain_scalar(const std::string& text);

// Every document of the text as the library sees it.
[[nodiscard]] tl::expected<std::vector<YAML::Node>, YamlError> load_yaml(std::string_view text);

// Every document of the text that is not empty.
[[nodiscard]] tl::expected<std::vector<YamlDocument>, YamlError> parse_yaml(std::string_view text);

}  // namespace slipgate
