// SPDX-License-Identifier: Apache-2.0
// What to say of Gateways and ListenerSets that were ours and are nobody's now. Pure.
#pragma once

#include "agent/model/status.h"

namespace slipgate::kube {

// `statuses` with those that only `before` has, of objects that are there still: a Gateway whose class has gone waits
// for a controller, a ListenerSet whose Gateway has gone, or waits, is not accepted. What is another controller's by
// its class is left alone.
[[nodiscard]] Statuses with_orphans(Statuses statuses, const Statuses& before, const Snapshot& snapshot);

}  // namespace slipgate::kube
