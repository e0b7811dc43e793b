// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agent/translate/gateway_state.h"

namespace slipgate {

[[nodiscard]] bool is_tls(const Listener& listener);
[[nodiscard]] bool is_passthrough(const Listener& listener);

// What the accepted listeners of objects that come first in the order of precedence (the Gateway, then its
// ListenerSets) leave no other listener of the Gateway to have.
class TakenNames {
  public:
    // `owner` is for messages, which name no object: a ListenerSet may be from a namespace that must not know it.
    void add(const ListenerStates& listeners, const char* owner);

    // Conflicted=True, and why; none: there is no conflict.
    [[nodiscard]] std::optional<Outcome> conflict_of(const Listener& listener) const;

  private:
    std::map<std::uint16_t, std::map<std::string, const char*>> ports_;  // port -> hostname -> owner
};

// The same between listeners of one object, where nobody comes first: all that are in conflict have it.
[[nodiscard]] std::optional<Outcome> conflict_among(const std::vector<const Listener*>& rivals,
                                                    const Listener& listener);

}  // namespace slipgate
