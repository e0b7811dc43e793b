// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace slipgate::kube {

// RFC 4648 section 4, with its padding; line breaks are left out, as kubectl does. Nothing if the text is no base64.
[[nodiscard]] std::optional<std::string> decode_base64(std::string_view text);

}  // namespace slipgate::kube
