// SPDX-License-Identifier: Apache-2.0
// Events (events.k8s.io/v1), which `kubectl describe` shows beneath an object: what of a status that was written an
// operator must notice. Pure.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "agent/source/kube/stored_objects.h"

namespace slipgate::kube {

struct Notice {
    bool is_warning = false;
    std::string reason;  // the condition's
    std::string note;
    bool operator==(const Notice&) const = default;
};

// The difference between two statuses of an object: a warning for each condition that became bad, or is so for another
// reason now; else a notice for each Accepted or Programmed that is True again. Those two of the object itself are also
// bad when they are Unknown, unless they never were anything else: it is served no longer.
[[nodiscard]] std::vector<Notice> compare_statuses(const nlohmann::json& before, const nlohmann::json& after);

// What an Event is about.
struct Regarding {
    ObjectKey key;
    std::string_view version;  // of its API
    std::string uid;
};

// Where the Events of an object are created: in its namespace, or "default" for one of the whole cluster.
[[nodiscard]] std::string events_path(const Regarding& regarding);

// `instance`: which agent says so; `time`: metav1.MicroTime.
[[nodiscard]] nlohmann::json event_object(const Regarding& regarding, const Notice& notice, std::string_view instance,
                                          std::string_view time);

}  // namespace slipgate::kube
