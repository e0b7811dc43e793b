// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

namespace slipgate {

// debug: ignored on purpose; info: read, but worth a line; warning: the object is used without this field,
// or is none Slipgate reads and was perhaps meant to be one; admission: an API server refuses the object, but may have
// stored it before it knew the rule (parse_object() makes an error or a warning of it); error: the object is refused.
enum class Severity { debug, info, warning, admission, error };

// What is wrong with one field of one object.
struct Problem {
    Severity severity = Severity::error;
    std::string field;    // "spec.listeners[1].tls.mode"; empty: the object as a whole
    std::string message;  // value and reason in the API server's words: `Invalid value: 70000: must be at most 65535`

    // "spec.listeners[0].port: Invalid value: ..."
    [[nodiscard]] std::string to_string() const { return field.empty() ? message : field + ": " + message; }
    bool operator==(const Problem&) const = default;
};

using Problems = std::vector<Problem>;

[[nodiscard]] inline bool has_errors(const Problems& problems) {
    for (const auto& problem : problems) {
        if (problem.severity == Severity::error) return true;
    }
    return false;
}

}  // namespace slipgate
