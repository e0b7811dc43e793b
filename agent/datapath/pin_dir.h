// SPDX-License-Identifier: Apache-2.0
// The directory on bpffs where everything that must outlive the agent is pinned.
#pragma once

#include <filesystem>
#include <optional>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace slipgate {

struct PinDir {
    std::filesystem::path path;  // where libbpf pins: the final directory, or a temporary one beside it
    Fd lock;                     // exclusive lock of the directory; stays valid when it is renamed
    bool adopted = false;        // it was there, with maps
};

// Opens and locks `path`, or makes a temporary directory that publish() will rename to it: half-made state is never
// seen. Errors: not on a bpffs (with the command that mounts one), in use by another agent, no Slipgate maps in it.
[[nodiscard]] Result<PinDir> open_pin_dir(const std::filesystem::path& path);

[[nodiscard]] Status publish_pin_dir(PinDir& dir, const std::filesystem::path& path);

// Removes a temporary directory after a failed start.
void discard_pin_dir(const PinDir& dir);

}  // namespace slipgate
