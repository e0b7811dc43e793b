// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "agent/model/objects.h"

namespace slipgate {

// Gateway API's tie-break between objects of one kind: the oldest first, then by "namespace/name". An object without
// creationTimestamp (files) counts as older than any with one, and as equal in age to another without; anything else
// would not be a total order.
[[nodiscard]] bool precedes(const ObjectMeta& a, const ObjectMeta& b);

template <typename T>
[[nodiscard]] std::vector<const T*> oldest_first(const ObjectMap<T>& objects) {
    std::vector<const T*> sorted;
    sorted.reserve(objects.size());
    for (const auto& [key, object] : objects) sorted.push_back(&object);
    std::sort(sorted.begin(), sorted.end(), [](const T* a, const T* b) { return precedes(a->meta, b->meta); });
    return sorted;
}

}  // namespace slipgate
