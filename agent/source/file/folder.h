// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <ctime>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace slipgate {

// What changes when a file's content may have changed, whoever changed it and by whatever name it is reached.
struct FileStamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = 0;
    std::int64_t modified_ns = 0;
    std::int64_t changed_ns = 0;
    bool operator==(const FileStamp&) const = default;
};

// *.yaml, *.yml and *.json, but not what editors and volume mounts put beside them (dotfiles, .#lock, #autosave#).
[[nodiscard]] bool is_manifest_name(std::string_view name);

// The manifest files of a folder (not of its subfolders) by name; symbolic links are followed. A file that vanishes
// meanwhile is left out, and so is a link that leads nowhere. No stamp: there is something of that name, but the kernel
// does not say what (a link to a place that cannot be reached).
[[nodiscard]] Result<std::map<std::string, std::optional<FileStamp>>> list_manifests(const std::string& folder);

// The whole content of a regular file of at most 16 MiB.
[[nodiscard]] Result<std::string> read_file(const std::string& path);

// Puts a file in place in one step: readers see the old content or the new one. Not synced to disk: it can be made
// anew.
[[nodiscard]] Status replace_file(const std::string& folder, const std::string& name, std::string_view content);

}  // namespace slipgate
