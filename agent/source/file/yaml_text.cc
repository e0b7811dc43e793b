// SPDX-License-Identifier: Apache-2.0
#include "agent/source/file/yaml_text.h"

#include <fmt/format.h>

#include <cstddef>
#include <cstdint>

namespace slipgate {
namespace {

bool is_continuation(std::string_view text, std::size_t at) {
    return at < text.size() && (static_cast<std::uint8_t>(text[at]) & 0xc0) == 0x80;
}

// Bytes of the UTF-8 sequence at `at` (RFC 3629, without overlong forms, surrogates and what is beyond U+10FFFF); 0:
// none.
std::size_t sequence_length(std::string_view text, std::size_t at) {
    const auto first = static_cast<std::uint8_t>(text[at]);
    const auto second = at + 1 < text.size() ? static_cast<std::uint8_t>(text[at + 1]) : 0;
    if (first < 0x80) return 1;
    std::size_t length = 0;
    if (first >= 0xc2 && first <= 0xdf) {
        length = 2;
    } else if (first >= 0xe0 && first <= 0xef) {
        length = first == 0xe0 && second < 0xa0 ? 0 : first == 0xed && second > 0x9f ? 0 : 3;
    } else if (first >= 0xf0 && first <= 0xf4) {
        length = first == 0xf0 && second < 0x90 ? 0 : first == 0xf4 && second > 0x8f ? 0 : 4;
    }
    for (std::size_t i = 1; i < length; i++) {
        if (!is_continuation(text, at + i)) return 0;
    }
    return length;
}

bool is_control(char character) {
    const auto c = static_cast<std::uint8_t>(character);
    return c == 0x7f || (c < ' ' && c != '\t' && c != '\n' && c != '\r');
}

}  // namespace

std::optional<TextError> find_unprintable(std::string_view text) {
    int line = 1;
    for (std::size_t at = 0; at < text.size();) {
        const auto length = sequence_length(text, at);
        const auto byte = static_cast<std::uint8_t>(text[at]);
        if (length == 0) return TextError{line, fmt::format("byte 0x{:02x} is not UTF-8", byte)};
        if (is_control(text[at]))
            return TextError{line, fmt::format("control character 0x{:02x} is not allowed in YAML", byte)};
        if (text[at] == '\n') line++;
        at += length;
    }
    return std::nullopt;
}

}  // namespace slipgate
