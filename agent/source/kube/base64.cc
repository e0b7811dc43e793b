// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/base64.h"

#include <cstdint>

namespace slipgate::kube {

std::optional<std::string> decode_base64(std::string_view text) {
    constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string bytes;
    std::uint32_t bits = 0;  // of which the last `count` are not in bytes yet
    int count = 0;
    std::size_t digits = 0, padding = 0;
    for (const char c : text) {
        if (c == '\n' || c == '\r') continue;
        const auto value = kAlphabet.find(c);
        if (c == '=') {
            ++padding;
        } else if (value == kAlphabet.npos || padding > 0) {
            return {};
        } else {
            ++digits;
            bits = bits << 6 | static_cast<std::uint32_t>(value);
            count += 6;
        }
        if (count < 8) continue;
        count -= 8;
        bytes.push_back(static_cast<char>(bits >> count & 0xff));
    }
    const bool is_whole = (digits + padding) % 4 == 0 && padding <= 2;
    if (!is_whole) return {};
    return bytes;
}

}  // namespace slipgate::kube
