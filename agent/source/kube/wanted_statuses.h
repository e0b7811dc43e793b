// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>

#include "agent/model/status.h"
#include "agent/source/kube/status_merge.h"
#include "agent/source/kube/stored_objects.h"

namespace slipgate::kube {

// The statuses that are wanted of the API server's objects. A status is of one life and generation of an object: of
// another one, as it may be there already, nothing is wanted before it was judged. No I/O.
class WantedStatuses {
  public:
    enum class Change {
        kStatus,  // another one is wanted
        kObject,  // it may be wanted of another life or generation of the object, or for other reasons
    };
    using Visit = std::function<void(const ObjectKey&, Change)>;

    // `stored` must outlive it.
    explicit WantedStatuses(const StoredObjects& stored) : stored_(stored) {}

    // What is wanted from now on, of the objects of this snapshot, which lacks those that the agent does not take.
    // Calls `visit` for each object of which of() may give something else now.
    void update(const Statuses& of_supported, const Snapshot& snapshot, const Visit& visit);

    // Of the object as it is there. Nothing: it is none of ours, or has to be judged first.
    [[nodiscard]] std::optional<WantedStatus> of(const ObjectKey& key, const StoredObject& object) const;

  private:
    [[nodiscard]] const ObjectMeta* judged(const ObjectKey& key) const;

    const StoredObjects& stored_;
    Statuses statuses_;
    Snapshot snapshot_;  // that they are about
};

}  // namespace slipgate::kube
