// SPDX-License-Identifier: Apache-2.0
// The rules that objects must keep, as tables in rules/*.yaml.
//
//   object: {...}                     # one that keeps every rule
//   rules:
//   - at: spec.parentRefs[0].port     # what is replaced in it
//     rule: 1 to 65535                # what the rule is
//     optional: true                  # may be absent
//     required: true                  # must be there: "Required value"
//     default: 443                    # may be absent, which means this; some good value means something else
//     good: [1, 65535]                # values that are taken
//     bad:                            # values that are refused: [value, reason], or [value, field below `at`, reason]
//     - [0, must be between 1 and 65535]
//     warn: ...                       # like bad, but the object is used all the same, and the log has a warning
//     info: ...                       # or a line of level info
//   unchecked:                        # what the API server refuses and we do not: [at, value, why]
//
// Short for long values: "(a*253)" is a string of 253 a's. {times: 33, item: x} is a list of 33, {times: 9, key: k#,
// value: v} a map of 9, with "#" replaced by the position from 0, and "##" by the number of it from 1.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace slipgate::rules {

struct Rule {
    std::string test_name;
    std::string text;  // what the rule is
    nlohmann::json object;
    std::string at;
    nlohmann::json entry;
};

inline void PrintTo(const Rule& rule, std::ostream* out) {
    *out << rule.text;
}

// Every rule and every unchecked field of the tables in a folder; throws what is wrong with them.
[[nodiscard]] std::vector<Rule> load_tables(const std::string& folder);

[[nodiscard]] nlohmann::json expand(const nlohmann::json& value);
[[nodiscard]] std::string expand(const std::string& text);

struct Manifest {
    std::string text;
    int line = 0;  // of the replaced value; of what it was removed from if it is absent
};

// The object as YAML with `value` at the path, or nothing there. All of the value stands on one line.
[[nodiscard]] Manifest render(const nlohmann::json& object, std::string_view path,
                              const std::optional<nlohmann::json>& value);

}  // namespace slipgate::rules
