// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

#include "agent/source/kube/stored_objects.h"

namespace slipgate::kube {

// Statuses that somebody else changes back each time they are written. They are written less and less often: for one
// object an API server bears many writes, for a thousand it does not. Pure: no clock of its own.
class Contests {
  public:
    using Time = std::chrono::steady_clock::time_point;

    // The status of the object, of this generation, was written. True: so often that it is worth a word now.
    [[nodiscard]] bool note_write(const ObjectKey& key, std::int64_t generation, Time now);

    // Before it should not be written again.
    [[nodiscard]] Time rests_until(const ObjectKey& key, std::int64_t generation) const;

    // What is written next is another status, or there is no such object.
    void forget(const ObjectKey& key) { contests_.erase(key); }
    void clear() { contests_.clear(); }

  private:
    struct Contest {
        std::int64_t generation = 0;
        int writes = 0;  // of the same status
        Time written;
    };
    std::map<ObjectKey, Contest> contests_;
};

}  // namespace slipgate::kube
