// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

namespace slipgate {

// At most `longest` bytes (3 or more) of a UTF-8 text, no character cut in two; what is cut off shows as "...".
[[nodiscard]] inline std::string clipped(std::string_view text, std::size_t longest) {
    constexpr std::string_view kMore = "...";
    if (text.size() <= longest) return std::string(text);
    auto end = longest - kMore.size();
    const auto continues = [&] { return (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U; };
    while (end > 0 && continues()) --end;
    return std::string(text.substr(0, end)).append(kMore);
}

}  // namespace slipgate
