// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "agent/source/file/load.h"

namespace slipgate {

// Plays the API server's part in file mode: a version of an object that breaks a rule, or changes an immutable field,
// is refused, and the version stored before stays in force. metadata.generation is 1 when an object is first stored and
// one more whenever its content (all but metadata and status) changes. A generation or an address the file states in a
// status is not used: it belongs to the cluster it was copied from. Nothing outlives the process.
class ObjectStore {
  public:
    // Between two calls of forget_unseen(): once for each object there is. `file` is for messages.
    [[nodiscard]] InForce admit(const std::string& file, const ManifestObject& offered);

    // Objects that were not offered since the last call are gone; if they come back they are new.
    void forget_unseen();

  private:
    struct Stored {
        std::optional<Object> object;  // none: no version without fault so far
        std::optional<ImmutableField> immutable;
        std::int64_t generation = 1;
        nlohmann::json content;
    };
    std::map<std::string, Stored> stored_;
    std::set<std::string> seen_;
};

}  // namespace slipgate
