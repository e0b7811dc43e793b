// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <iterator>

#include "agent/app/config.h"
#include "agent/app/settings.h"
#include "agent/app/version.h"

namespace slipgate {
namespace {

constexpr std::string_view kPrologue =
    R"(slipgated: the agent of Slipgate, a TLS-passthrough gateway whose data path lives in the kernel

Usage: slipgated --manifests DIR [SETTING...]
       slipgated --kubernetes [--kubeconfig FILE [--context NAME]] [SETTING...]
       slipgated --uninstall [--pin-dir DIR]

Defaults stand in brackets.
)";

constexpr std::string_view kEpilogue = R"(
Every setting can also stand in the file that --config names, as "key: value"; a flag wins over the file:
  manifests: /etc/slipgate/manifests
  address-pool: [192.0.2.0/26, 2001:db8::100-2001:db8::1ff]
  idle-timeout: 1h

Signals: SIGTERM and SIGINT end the agent and leave the data path serving; SIGHUP reopens the access log.
Exit codes: 0 ended as asked, 1 failed while starting or running, 2 wrong flag or configuration file.

Example: serve what is in ./manifests on 192.0.2.10, with statuses to read in ./status:
  mount -t bpf bpf /sys/fs/bpf            # unless it is mounted already
  sysctl net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1
  slipgated --manifests ./manifests --status-dir ./status --address 192.0.2.10  # of this node
  curl http://127.0.0.1:9470/readyz       # in another shell

Example: serve what a cluster's API server holds, each Gateway at an address of its own. In a pod; elsewhere, with a ServiceAccount's
token, --kubeconfig ./slipgate.kubeconfig as well:
  slipgated --kubernetes --address-pool 192.0.2.64-192.0.2.95
The agent needs to list and watch gatewayclasses, gateways, listenersets, tlsroutes and referencegrants
(gateway.networking.k8s.io), namespaces, nodes and services, servicecidrs (networking.k8s.io), endpointslices (discovery.k8s.io) and
customresourcedefinitions (apiextensions.k8s.io); to get and patch the status of the first four; to create events
(events.k8s.io); and to get, create and patch leases (coordination.k8s.io) in the namespace of --lease-namespace. What it may not do
is in its log and, until everything was read once, at /readyz. While the API server is away, connections, new ones too, are served as
before.
)";

void append_flag(std::string& text, std::string_view flag, std::string_view argument, std::string_view help,
                 std::string_view default_value) {
    fmt::format_to(std::back_inserter(text), "  {:<32} {}", fmt::format("--{} {}", flag, argument), help);
    if (!default_value.empty()) fmt::format_to(std::back_inserter(text), " [{}]", default_value);
    text += '\n';
}

}  // namespace

std::string help_text() {
    std::string text(kPrologue);
    std::string_view group;
    for (const auto& setting : config::settings()) {
        if (group != setting.group) fmt::format_to(std::back_inserter(text), "\n{}:\n", setting.group);
        group = setting.group;
        append_flag(text, setting.key, setting.argument, setting.help,
                    setting.is_switch() ? "" : setting.default_value);
    }
    text += "\nOther:\n";
    append_flag(text, "config", "FILE", "read settings from this YAML file", "");
    append_flag(text, "uninstall", "", "take programs, maps and addresses away, and with them all connections", "");
    append_flag(text, "version", "", "print the version", "");
    append_flag(text, "help", "", "print this", "");
    return text + std::string(kEpilogue);
}

std::string version_text() {
    return fmt::format("slipgated {} (map ABI {})\n", kVersion, SG_ABI_VERSION);
}

}  // namespace slipgate
