// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "agent/model/objects.h"
#include "agent/model/status.h"
#include "agent/ir/routing_table.h"

namespace slipgate {

struct TranslateOptions {
    std::string controller_name = "slipgate.dev/gateway-controller";
    std::vector<IpAddress> addresses;  // of a Gateway without spec.addresses
};

struct Translation {
    RoutingTable table;
    Statuses statuses;
    bool operator==(const Translation&) const = default;
};

// Gateway API semantics as a pure, total and deterministic function: no I/O, no clock, no randomness.
// The pairs in tests/translate/testdata are its specification.
[[nodiscard]] Translation translate(const Snapshot& snapshot, const TranslateOptions& options);

}  // namespace slipgate
