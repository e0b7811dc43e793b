// SPDX-License-Identifier: Apache-2.0
// The directory on bpffs where everything that must outlive the agent is pinned.
#pragma once

#include <filesystem>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace slipgate {

struct PinDir {
    std::filesystem::path path;  // where libbpf pins: the final directory, or a temporary one beside it
    Fd lock;                     // exclusive lock of the directory; stays valid when it is renamed
    bool adopted = false;        // it was there, with maps
};

// Opens and locks `path`, or makes the temporary directory `path`-new that publish_pin_dir() will rename to it:
// half-made state is never seen. Errors: not on a bpffs (with the command that mounts one), in use by another agent,
// something in it that is not Slipgate's.
[[nodiscard]] Result<PinDir> open_pin_dir(const std::filesystem::path& path);

[[nodiscard]] Status publish_pin_dir(PinDir& dir, const std::filesystem::path& path);

// Removes a temporary directory after a failed start.
void discard_pin_dir(const PinDir& dir);

// For an end of everything: locks `path` if it is there, so that no agent works with it. Errors as open_pin_dir().
[[nodiscard]] Result<Fd> lock_pin_dir(const std::filesystem::path& path);

// Removes `path` with all in it, and what is left of a start that was interrupted.
[[nodiscard]] Status remove_pin_dir(const std::filesystem::path& path);

}  // namespace slipgate
