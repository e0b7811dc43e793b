// SPDX-License-Identifier: Apache-2.0
// What a status file says, as JSON in the order it is written. Pure.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "agent/model/objects.h"
#include "agent/model/status.h"
#include "agent/source/file/manifest.h"

namespace slipgate {

using StatusDocuments = std::map<std::string, nlohmann::ordered_json>;  // by file name

// "<kind>_<namespace>_<name>.yaml", cluster-scoped "<kind>_<name>.yaml". Objects may have names that are too long for a
// file's: those are cut, and a hash of the whole makes up for it.
[[nodiscard]] std::string status_file_name(const ObjectId& id);

// One document for each object with a status or a problem (warning or worse). A problem shows as a condition:
// Accepted=False/Invalid on an object that was refused (status.conditions, for every kind); beside the statuses of one
// that is in force, slipgate.dev/ManifestProblems=True with reason Refused (what the manifest says now is not what is
// in force) or Found.
[[nodiscard]] StatusDocuments status_documents(const Statuses& statuses, const Snapshot& snapshot,
                                               const std::vector<SourceProblem>& problems);

// A Gateway whose GatewayClass is away has no status. What it has of addresses stays in its document, as it stands in
// `written` (documents by file name), so that it comes back to them also when the agent was started anew meanwhile.
void keep_addresses(StatusDocuments& documents, const Snapshot& snapshot,
                    const std::map<std::string, nlohmann::json>& written);

// Gives each condition of `next` its lastTransitionTime: that of the same condition in `previous` if its status is the
// same, else `now`. Conditions are the same if their types are and they stand in the same place: under the same
// parentRef of a route, the same listener of a Gateway or ListenerSet.
void set_transition_times(nlohmann::ordered_json& next, const nlohmann::json& previous, std::string_view now);

}  // namespace slipgate
