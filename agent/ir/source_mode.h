// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace slipgate {

// What an endpoint sees as the other side of a connection.
enum class SourceMode : std::uint8_t {
    kSnat,          // an address and port of the gateway's
    kPreserve,      // the client's, as long as nothing stands in the way; else the gateway's
    kPreserveOnly,  // the client's, or the connection is refused
};

inline constexpr std::array<std::string_view, 3> kSourceModes = {"snat", "preserve", "preserve-only"};

[[nodiscard]] constexpr std::string_view name_of(SourceMode mode) {
    return kSourceModes[static_cast<std::size_t>(mode)];
}

[[nodiscard]] constexpr std::optional<SourceMode> parse_source_mode(std::string_view text) {
    for (std::size_t i = 0; i < kSourceModes.size(); ++i) {
        if (kSourceModes[i] == text) return static_cast<SourceMode>(i);
    }
    return std::nullopt;
}

}  // namespace slipgate
