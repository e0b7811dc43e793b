// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "agent/base/ip_prefix.h"
#include "agent/ir/findings.h"
#include "agent/ir/routing_table.h"
#include "agent/model/objects.h"
#include "agent/model/status.h"

namespace slipgate {

struct TranslateOptions {
    std::string controller_name = "slipgate.dev/gateway-controller";
    std::vector<IpAddress> addresses;            // of a Gateway without spec.addresses
    SourceMode source_mode = SourceMode::kSnat;  // of a Gateway without the annotation
    std::string node_name;                       // endpoints of this node, and in these networks, can see the client's
    std::vector<IpPrefix> preserve_cidrs;        // address: their answers come back through here
    std::set<std::string>
        bundle_versions;  // of the Gateway API CRDs ("" where the annotation is missing); empty: no CRDs
};

struct Translation {
    RoutingTable table;
    Statuses statuses;
    std::vector<ExcludedEndpoint> excluded;          // by the source mode, so they are not in the table
    std::map<std::string, SourceMode> source_modes;  // of the Gateways, by key
    bool operator==(const Translation&) const = default;
};

// Gateway API semantics as a pure, total and deterministic function: no I/O, no clock, no randomness.
// The pairs in tests/translate/testdata are its specification.
[[nodiscard]] Translation translate(const Snapshot& snapshot, const TranslateOptions& options);

}  // namespace slipgate
