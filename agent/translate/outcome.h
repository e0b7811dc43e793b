// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/model/status.h"

namespace slipgate {

// What will become a condition, before it is known on which object and at which generation.
struct Outcome {
    std::string status = "True";  // True, False
    std::string reason;
    std::string message;

    [[nodiscard]] bool ok() const { return status == "True"; }
};

[[nodiscard]] inline Outcome succeeded(std::string reason, std::string message) {
    return {"True", std::move(reason), std::move(message)};
}

[[nodiscard]] inline Outcome failed(std::string reason, std::string message) {
    return {"False", std::move(reason), std::move(message)};
}

[[nodiscard]] inline Condition make_condition(std::string type, const Outcome& outcome, std::int64_t generation) {
    return {std::move(type), outcome.status, outcome.reason, outcome.message, generation};
}

// Adds a sentence or a list item to a message.
inline void append(std::string& text, std::string_view addition, std::string_view separator) {
    if (!text.empty()) text += separator;
    text += addition;
}

}  // namespace slipgate
