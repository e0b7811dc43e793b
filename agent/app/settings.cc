// SPDX-License-Identifier: Apache-2.0
#include "agent/app/settings.h"

#include <algorithm>
#include <array>
#include <limits>
#include <vector>

#include "agent/app/config_values.h"
#include "agent/base/edit_distance.h"

namespace slipgate::config {
namespace {

using namespace std::chrono_literals;

// Stores what the parser made of the text, or hands its error on.
template <typename T, typename Target>
Status store(const Result<T>& value, Target& target) {
    if (!value) return tl::unexpected(value.error());
    target = static_cast<Target>(*value);
    return {};
}

Status set_path(std::string_view text, std::filesystem::path& target) {
    if (text.empty()) return fail("an empty value is not allowed: give the path of a directory");
    target = text;
    return {};
}

Status set_kubeconfig(Config& c, std::string_view text) {
    if (text.empty()) return fail("an empty value is not allowed: give the path of a kubeconfig");
    c.kubeconfig = text;
    return {};
}

Status set_context(Config& c, std::string_view text) {
    if (text.empty()) return fail("an empty value is not allowed: give the name of a context of the kubeconfig");
    c.context = text;
    return {};
}

Status set_pin_dir(Config& c, std::string_view text) {
    if (!text.starts_with('/'))
        return fail(log::quote(text) + " is not allowed: give an absolute path on a bpf file system");
    return set_path(text, c.datapath.pin_dir);
}

Status set_source_ports(Config& c, std::string_view text) {
    const auto range = parse_port_range(text);
    if (!range) return tl::unexpected(range.error());
    std::tie(c.datapath.port_first, c.datapath.port_last) = *range;
    return {};
}

Status set_mss(Config& c, std::string_view text) {
    const auto mss = parse_integer(text, 536, 65495);  // RFC 9293 3.7.1 default; largest IPv4 packet less headers
    if (!mss) return tl::unexpected(mss.error());
    c.datapath.mss = static_cast<std::uint16_t>(*mss);
    return {};
}

Status set_http_address(Config& c, std::string_view text) {
    if (text == "off") {
        c.http_address.reset();
        return {};
    }
    const auto address = parse_socket_address(text);
    if (!address) return fail(address.error().message + ", or off");
    c.http_address = *address;
    return {};
}

Status set_access_log(Config& c, std::string_view text) {
    if (text.empty()) return fail("an empty value is not allowed: give - (standard output), off or the path of a file");
    c.access_log = text;
    return {};
}

Status clear_if(const Result<bool>& off, bool& target) {
    if (!off) return tl::unexpected(off.error());
    target = !*off;
    return {};
}

constexpr std::string_view kSource = "What to serve";
constexpr std::string_view kAddresses = "Addresses of Gateways";
constexpr std::string_view kDatapath = "Data path";
constexpr std::string_view kTcp = "TCP as clients and endpoints see it";
constexpr std::string_view kWatch = "Watching it";

constexpr std::array kSettings = {
    Setting{"manifests", kSource, "DIR", "", "folder of manifests (YAML), watched for changes",
            [](Config& c, std::string_view v) { return set_path(v, c.manifests); }},
    Setting{"kubernetes", kSource, "", "false", "follow a Kubernetes API server, in the place of --manifests",
            [](Config& c, std::string_view v) { return store(parse_boolean(v), c.kubernetes); }},
    Setting{"kubeconfig", kSource, "FILE", "",
            "where the API server is and who the agent is; none: the ServiceAccount of its pod", set_kubeconfig},
    Setting{"context", kSource, "NAME", "", "context of the kubeconfig; none: its current-context", set_context},
    Setting{"lease-namespace", kSource, "NAME", "",
            "of the Lease that makes one of all agents write statuses; none: the pod's, else slipgate-system",
            [](Config& c, std::string_view v) { return store(parse_namespace(v), c.lease_namespace); }},
    Setting{"status-dir", kSource, "DIR", "", "folder for the objects' statuses; none: not written",
            [](Config& c, std::string_view v) { return set_path(v, c.status_dir); }},
    Setting{"source-mode", kSource, "MODE", "snat",
            "whose address endpoints see: snat (the gateway's), preserve, preserve-only",
            [](Config& c, std::string_view v) { return store(parse_source_mode_setting(v), c.source_mode); }},
    Setting{"node-name", kSource, "NAME", "",
            "this node in EndpointSlices: its endpoints can be preserved; none: $NODE_NAME, else the host name",
            [](Config& c, std::string_view v) { return store(parse_node_name(v), c.node_name); }},
    Setting{"preserve-cidr", kSource, "CIDR[,CIDR...]", "",
            "endpoints of other nodes whose answers to clients come back through this node",
            [](Config& c, std::string_view v) { return store(parse_prefixes(v), c.preserve_cidrs); }},

    Setting{"address-range", kAddresses, "CIDR[,CIDR...]", "",
            "addresses that spec.addresses may name; none: all with --manifests, none with --kubernetes",
            [](Config& c, std::string_view v) { return store(parse_prefixes(v), c.address_ranges); }},
    Setting{"address-pool", kAddresses, "RANGE[,RANGE...]", "",
            "addresses for Gateways that name none, one of each family for each: CIDR or FIRST-LAST",
            [](Config& c, std::string_view v) { return store(parse_ranges(v), c.address_pool); }},
    Setting{"address", kAddresses, "ADDR[,ADDR...]", "",
            "without a pool, these of the node itself, for all of them; none: the InternalIPs of its Node",
            [](Config& c, std::string_view v) { return store(parse_addresses(v), c.addresses); }},
    Setting{"node-address-port", kAddresses, "PORT[,PORT...]", "443,8443",
            "ports that listeners may have on addresses of the node itself",
            [](Config& c, std::string_view v) { return store(parse_ports(v), c.node_address_ports); }},
    Setting{"service-cidr", kAddresses, "CIDR[,CIDR...]", "", "addresses of the cluster's Services: never a Gateway's",
            [](Config& c, std::string_view v) { return store(parse_prefixes(v), c.service_cidrs); }},

    Setting{"pin-dir", kDatapath, "DIR", "/sys/fs/bpf/slipgate",
            "where maps and programs are pinned; they outlive the agent", set_pin_dir},
    Setting{"interface", kDatapath, "NAME[,NAME...]", "",
            "interfaces to attach to; none: every suitable one, at any time",
            [](Config& c, std::string_view v) { return store(parse_interfaces(v), c.datapath.interfaces); }},
    Setting{"attach", kDatapath, "auto|tcx|clsact", "auto",
            "how: tcx links (Linux 6.6), filters of clsact; auto: tcx if there",
            [](Config& c, std::string_view v) { return store(parse_attach_mode(v), c.datapath.attach); }},
    Setting{"source-ports", kDatapath, "FIRST-LAST", "61000-65535",
            "ports towards endpoints; the host itself must not use them", set_source_ports},
    Setting{
        "max-connections", kDatapath, "N", "262144", "connections at the same time, of each address family",
        [](Config& c, std::string_view v) { return store(parse_integer(v, 1, 1 << 24), c.datapath.max_connections); }},
    Setting{
        "connect-timeout", kDatapath, "DURATION", "1s", "silence of an endpoint after which another one is tried",
        [](Config& c, std::string_view v) { return store(parse_duration(v, 10ms, 1min), c.datapath.connect_timeout); }},
    Setting{"closing-time", kDatapath, "DURATION", "10s",
            "how long a closed connection is remembered for late segments",
            [](Config& c, std::string_view v) { return store(parse_seconds(v, 1s, 10min), c.datapath.closing_time); }},
    Setting{"idle-timeout", kDatapath, "DURATION", "3h", "a connection without a packet for so long is forgotten",
            [](Config& c, std::string_view v) { return store(parse_seconds(v, 1s, 168h), c.datapath.idle_timeout); }},

    Setting{"window-scale", kTcp, "N", "10", "window scale promised to clients: up to 64 KiB << N in flight",
            [](Config& c, std::string_view v) { return store(parse_integer(v, 0, 14), c.datapath.window_scale); }},
    Setting{"mss", kTcp, "BYTES", "", "segment size announced to clients; none: from the MTUs on the way", set_mss},
    Setting{"no-timestamps", kTcp, "", "false", "do not negotiate TCP timestamps (for endpoints that do not)",
            [](Config& c, std::string_view v) { return clear_if(parse_boolean(v), c.datapath.timestamps); }},
    Setting{"no-sack", kTcp, "", "false", "do not negotiate selective acknowledgements (as above)",
            [](Config& c, std::string_view v) { return clear_if(parse_boolean(v), c.datapath.sack); }},
    Setting{
        "rst-per-second", kTcp, "N", "100", "RSTs to packets of no known connection, per CPU; 0: none",
        [](Config& c, std::string_view v) { return store(parse_integer(v, 0, 1'000'000), c.datapath.rst_per_second); }},

    Setting{"http-address", kWatch, "ADDR:PORT|off", "127.0.0.1:9470", "where /metrics, /healthz and /readyz answer",
            set_http_address},
    Setting{"access-log", kWatch, "-|off|FILE", "-", "a line per connection; -: standard output", set_access_log},
    Setting{"log-level", kWatch, "LEVEL", "info", "of the log on standard error: trace, debug, info, warn, error",
            [](Config& c, std::string_view v) { return store(parse_log_level(v), c.log_level); }},
};

}  // namespace

std::span<const Setting> settings() {
    return kSettings;
}

const Setting* find_setting(std::string_view key) {
    const auto found = std::find_if(kSettings.begin(), kSettings.end(), [&](const Setting& s) { return s.key == key; });
    return found == kSettings.end() ? nullptr : &*found;
}

std::string_view nearest_key(std::string_view key) {
    return std::min_element(kSettings.begin(), kSettings.end(),
                            [&](const Setting& a, const Setting& b) {
                                return edit_distance(key, a.key) < edit_distance(key, b.key);
                            })
        ->key;
}

}  // namespace slipgate::config
