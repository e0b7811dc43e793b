// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace slipgate {

// Why something could not be put into a map.
struct Setback {
    enum class Kind {
        kNoRoom,   // the map is full: the object is left out until something is removed
        kResting,  // the room there is was freed a moment ago and still rests: try again
        kFailed,   // the kernel refused: try again
    };
    Kind kind;
    std::string reason;

    // Trying again may help, without anything being removed.
    [[nodiscard]] bool comes() const { return kind != Kind::kNoRoom; }
};

template <typename T>
using Placed = tl::expected<T, Setback>;

[[nodiscard]] inline tl::unexpected<Setback> no_room(std::string reason) {
    return tl::unexpected<Setback>(Setback{Setback::Kind::kNoRoom, std::move(reason)});
}
[[nodiscard]] inline tl::unexpected<Setback> resting(const std::string& reason) {
    return tl::unexpected<Setback>(Setback{Setback::Kind::kResting, reason + ": tried again each second"});
}
[[nodiscard]] inline tl::unexpected<Setback> failed(std::string reason) {
    return tl::unexpected<Setback>(Setback{Setback::Kind::kFailed, std::move(reason)});
}

// What needs something that is not there yet waits for the same reason.
[[nodiscard]] inline Setback waits(const Setback& cause, const std::string& what) {
    return {cause.kind, "waits for " + what};
}

}  // namespace slipgate
