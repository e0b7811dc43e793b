// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>

#include "agent/model/objects.h"
#include "agent/translate/outcome.h"
#include "agent/translate/translate.h"

namespace slipgate {

// Which source mode a Gateway gets: by its annotation slipgate.dev/source-mode, else the agent's.
struct SourceModeChoice {
    SourceMode mode = SourceMode::kSnat;
    std::optional<Outcome> outcome;  // the condition slipgate.dev/SourceMode; none: nobody asked for anything but snat
};

[[nodiscard]] SourceModeChoice choose_source_mode(const Gateway& gateway, const TranslateOptions& options);

// Do the answers of this endpoint, whatever address they go to, come back through this node? Only then can it see the
// client's.
[[nodiscard]] bool answers_through_here(const EndpointSlice::Endpoint& endpoint, const IpAddress& address,
                                        const TranslateOptions& options);

}  // namespace slipgate
