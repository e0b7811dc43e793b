// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <tl/expected.hpp>

namespace slipgate {

// Why something could not be put into a map.
struct Setback {
    enum class Kind {
        kNoRoom,  // the map is full: the object is left out until something is removed
        kLater,   // try again: the kernel refused, or the room there is still rests
    };
    Kind kind;
    std::string reason;
};

template <typename T>
using Placed = tl::expected<T, Setback>;

[[nodiscard]] inline tl::unexpected<Setback> no_room(std::string reason) {
    return tl::unexpected<Setback>(Setback{Setback::Kind::kNoRoom, std::move(reason)});
}
[[nodiscard]] inline tl::unexpected<Setback> later(std::string reason) {
    return tl::unexpected<Setback>(Setback{Setback::Kind::kLater, std::move(reason)});
}

}  // namespace slipgate
