// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/model/objects.h"

namespace slipgate {

// Gateway API's tie-break between objects of one kind: the oldest first, then by "namespace/name". An object without
// creationTimestamp (files) counts as older than any with one, and as equal in age to another without; anything else
// would not be a total order.
[[nodiscard]] bool precedes(const ObjectMeta& a, const ObjectMeta& b);

}  // namespace slipgate
