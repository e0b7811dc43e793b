// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "agent/base/ip_prefix.h"
#include "agent/base/ip_range.h"
#include "agent/ir/findings.h"
#include "agent/ir/routing_table.h"
#include "agent/model/controller.h"
#include "agent/model/objects.h"
#include "agent/model/status.h"

namespace slipgate {

struct TranslateOptions {
    std::string controller_name = kOurController;
    SourceMode source_mode = SourceMode::kSnat;  // of a Gateway without the annotation
    std::string node_name;                       // endpoints of this node, and in these networks, can see the client's
    std::vector<IpPrefix> preserve_cidrs;        // address: their answers come back through here

    // Addresses of Gateways: those that spec.addresses names, else some of the pool, else the node's own.
    std::optional<std::vector<IpPrefix>> address_ranges;  // that spec.addresses may name; none: all
    std::vector<IpRange> address_pool;
    std::vector<IpAddress> addresses;                          // the node's own; empty: the InternalIPs of its Node
    std::set<std::uint16_t> node_address_ports = {443, 8443};  // that these lend to listeners
    std::vector<IpPrefix> service_cidrs;                       // of the cluster: no Gateway can have an address there
};

// Ports that the host cannot listen on, and why: "another process has it".
using UnavailablePorts = std::map<SocketAddress, std::string>;

// Addresses that the host could not be given, and why: "Permission denied".
using MissingAddresses = std::map<IpAddress, std::string>;

// By key of the Gateway, what it has of the pool.
using AssignedAddresses = std::map<std::string, std::vector<IpAddress>>;

// What a translation depends on beside the objects and the settings.
struct Circumstances {
    AssignedAddresses assigned;  // by the translation before
    UnavailablePorts unavailable;
    std::vector<NodeAddress> node_addresses = {};  // by the translation before
    std::set<IpAddress> of_host = {};  // that the host has of itself, not for Gateways, and the ends of its networks
    MissingAddresses missing = {};     // of those that the host was to have
    bool operator==(const Circumstances&) const = default;
};

struct Translation {
    RoutingTable table;
    Statuses statuses;
    std::vector<ExcludedEndpoint> excluded;          // by the source mode, so they are not in the table
    std::map<std::string, SourceMode> source_modes;  // of the Gateways, by key
    AssignedAddresses assigned;
    std::vector<NodeAddress> node_addresses;  // of this node, as last known
    std::set<SocketAddress> to_listen_on;     // the VIPs, and what would be one if the host could listen there
    std::set<IpAddress> to_configure;  // of the VIPs, those that the host is to have so that neighbours find them
    bool operator==(const Translation&) const = default;
};

// Gateway API semantics as a pure, total and deterministic function: no I/O, no clock, no randomness.
// The pairs in tests/translate/testdata are its specification.
[[nodiscard]] Translation translate(const Snapshot& snapshot, const TranslateOptions& options,
                                    const Circumstances& circumstances = {});

}  // namespace slipgate
