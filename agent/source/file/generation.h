// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "agent/source/file/manifest.h"

namespace slipgate {

// metadata.generation in file mode: 1 when an object is first seen, one more whenever its content (all but metadata and
// status) changes, like in the API server. It starts again when the process does. A generation the file states is not
// used: it belongs to the cluster it was copied from.
class GenerationCounter {
  public:
    // Between two calls of forget_unseen(): once for each object there is.
    std::int64_t observe(const ManifestObject& object) {
        const auto id = object.id.to_string();
        seen_.insert(id);
        auto& entry = entries_[id];
        if (entry.generation == 0 || entry.content != object.content) {
            ++entry.generation;
            entry.content = object.content;
        }
        return entry.generation;
    }

    // Objects that were not observed since the last call are gone; if they come back they are new.
    void forget_unseen() {
        std::erase_if(entries_, [&](const auto& entry) { return !seen_.contains(entry.first); });
        seen_.clear();
    }

  private:
    struct Entry {
        std::int64_t generation = 0;
        nlohmann::json content;
    };
    std::map<std::string, Entry> entries_;
    std::set<std::string> seen_;
};

}  // namespace slipgate
