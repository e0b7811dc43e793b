// SPDX-License-Identifier: Apache-2.0
// What an operator can set. One table (settings.h) gives the flags, the keys of the YAML file, --help and the checks.
#pragma once

#include <filesystem>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/ip_prefix.h"
#include "agent/base/ip_range.h"
#include "agent/base/log.h"
#include "agent/base/result.h"
#include "agent/datapath/datapath.h"
#include "agent/ir/source_mode.h"

namespace slipgate {

struct Config {
    std::filesystem::path manifests;       // folder of YAML files, watched; empty: the API server instead
    bool kubernetes = false;               // follow an API server
    std::filesystem::path kubeconfig;      // empty: what a pod is given
    std::string context;                   // of the kubeconfig; empty: its current one
    std::string lease_namespace;           // of the Lease of the one agent that writes statuses; empty: the pod's
    std::filesystem::path status_dir;      // empty: statuses are not written
    std::vector<IpPrefix> address_ranges;  // that spec.addresses may name; see translate_options() if empty
    std::vector<IpRange> address_pool;     // for Gateways without spec.addresses
    std::vector<IpAddress> addresses;      // this node's own, for them if there is no pool; empty: its Node's
    std::set<std::uint16_t> node_address_ports = {443, 8443};  // of the node's own addresses
    std::vector<IpPrefix> service_cidrs;
    SourceMode source_mode = SourceMode::kSnat;  // of a Gateway without an annotation
    std::string node_name;                       // of this node in EndpointSlices; empty: this_node_name()
    std::vector<IpPrefix> preserve_cidrs;        // endpoints there answer through this node
    DatapathOptions datapath;
    std::optional<SocketAddress> http_address = SocketAddress{*IpAddress::parse("127.0.0.1"), 9470};  // none: off
    std::string access_log = "-";  // "-": standard output; "off"; else a path
    log::Level log_level = log::Level::info;
};

struct CommandLine {
    enum class Action { kRun, kUninstall, kHelp, kVersion };

    Action action = Action::kRun;
    Config config;
};

// Flags win over the file that --config names, the file wins over the defaults. An error lists every wrong setting,
// one per line, each naming the key, the value and what is allowed.
[[nodiscard]] Result<CommandLine> parse_command_line(int argc, const char* const* argv);

// Applies a YAML document to the configuration. `name` is the file's, for messages: "slipgated.yaml:3: ...".
[[nodiscard]] Status apply_config_yaml(std::string_view text, std::string_view name, Config& config);

[[nodiscard]] std::string help_text();
[[nodiscard]] std::string version_text();

}  // namespace slipgate
