// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/ir/findings.h"
#include "agent/model/objects.h"
#include "agent/model/status.h"
#include "agent/translate/translate.h"

namespace slipgate {

// The statuses of a translation, with what the data path found out about its table (docs/decisions/0008):
//   TLSRoute, each accepted parent: slipgate.dev/EndpointsExcluded and slipgate.dev/NotProgrammed, set only when True;
//   Gateway, ListenerSet and listener: Programmed=False where a VIP is not in the maps.
// `snapshot` is the one that was translated. Pure.
[[nodiscard]] Statuses add_findings(const Translation& translation, const Snapshot& snapshot, const Findings& findings);

}  // namespace slipgate
