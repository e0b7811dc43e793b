// SPDX-License-Identifier: Apache-2.0
// Manifest files to one snapshot. Pure: no files, no clock.
#pragma once

#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "agent/model/objects.h"
#include "agent/source/file/manifest.h"

namespace slipgate {

struct LoadedSnapshot {
    Snapshot snapshot;
    std::vector<SourceProblem> problems;  // of all severities, in the order of the files
};

// What is in force of an object now that this version of it was read.
struct InForce {
    std::optional<Object> object;  // absent: nothing
    std::int64_t generation = 1;   // metadata.generation
    std::vector<SourceProblem> problems;
};
using Admission = std::function<InForce(const std::string& file, const ManifestObject&)>;

// Puts the objects of files sorted by name together. Of an object defined twice the first definition counts, be it
// refused or not, and the others are an error that names both places. Every namespace an object lies in exists.
[[nodiscard]] LoadedSnapshot merge_manifests(std::span<const ManifestFile> files, const Admission& admit);

// Tells the snapshot which Services are missing in it only because each version of them is refused.
void note_refused_services(LoadedSnapshot& loaded);

// The text of one (multi-document) file as a snapshot; generations as written, 1 where the text has none.
[[nodiscard]] LoadedSnapshot load_snapshot(std::string_view text, std::string_view name);

}  // namespace slipgate
