// SPDX-License-Identifier: Apache-2.0
// Errors as values. A function that can fail for a reason outside the program returns Result<T>; exceptions of
// libraries are caught where the library is called.
#pragma once

#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>

namespace slipgate {

// What went wrong, for a person. Each layer that knows more puts its own words in front: "load programs: map flows4:
// ...".
struct Error {
    std::string message;
    int number = 0;  // errno, where it came from a system call

    [[nodiscard]] Error with_context(std::string_view context) const {
        return Error{std::string(context) + ": " + message, number};
    }
};

// std::expected once the compiler has it.
template <typename T>
using Result = tl::expected<T, Error>;
using Status = Result<void>;

[[nodiscard]] inline tl::unexpected<Error> fail(std::string message) {
    return tl::unexpected<Error>(Error{std::move(message)});
}

[[nodiscard]] inline tl::unexpected<Error> fail(const Error& error, std::string_view context) {
    return tl::unexpected<Error>(error.with_context(context));
}

// "text: No such file or directory" from errno-style codes (positive or negative), which Error::number keeps.
[[nodiscard]] tl::unexpected<Error> fail_errno(std::string_view text, int error_number);

}  // namespace slipgate
