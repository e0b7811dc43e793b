// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

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

// add_findings() for translations and findings that come one after the other, as Translator is for translate(): a route
// is judged again only if a backend of it, or what was said of it or them, is another.
class FindingsAdder {
  public:
    // Valid until the next call. Values that are equal to those of the last result are shared with it.
    [[nodiscard]] const Statuses& add(const Translation& translation, const Snapshot& snapshot,
                                      const Findings& findings);

  private:
    struct Seen {  // by the last call
        Translation translation;
        ObjectMap<ListenerSet> listener_sets;
        Findings findings;
    };
    std::optional<Seen> seen_;
    Statuses statuses_;
};

}  // namespace slipgate
