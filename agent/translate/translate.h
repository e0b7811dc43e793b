// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <set>
#include <string>
#include <vector>

#include "agent/ir/routing_table.h"
#include "agent/model/objects.h"
#include "agent/model/status.h"

namespace slipgate {

struct TranslateOptions {
    std::string controller_name = "slipgate.dev/gateway-controller";
    std::vector<IpAddress> addresses;  // of a Gateway without spec.addresses
    std::set<std::string>
        bundle_versions;  // of the Gateway API CRDs ("" where the annotation is missing); empty: no CRDs
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
