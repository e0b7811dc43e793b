// SPDX-License-Identifier: Apache-2.0
#include "agent/base/result.h"

#include <cstdlib>
#include <system_error>

namespace slipgate {

tl::unexpected<Error> fail_errno(std::string_view text, int error_number) {
    const int number = std::abs(error_number);
    return tl::unexpected(Error{std::string(text) + ": " + std::generic_category().message(number), number});
}

}  // namespace slipgate
