// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "agent/source/file/load.h"

namespace slipgate::golden {

// YAML documents as an API server would hand them out and the agent keep them: the other source's way to a snapshot.
// What the API server adds of itself is added: the namespace, metadata.generation, and a Namespace for each.
[[nodiscard]] LoadedSnapshot load_api_objects(const std::string& text);

}  // namespace slipgate::golden
