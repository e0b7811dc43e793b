// SPDX-License-Identifier: Apache-2.0
// Text to value, for settings. Every error quotes the text and says what is allowed; the caller puts the key in front.
#pragma once

#include <chrono>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/address.h"
#include "agent/base/ip_prefix.h"
#include "agent/base/ip_range.h"
#include "agent/base/log.h"
#include "agent/base/result.h"
#include "agent/datapath/attach_mode.h"
#include "agent/ir/source_mode.h"

namespace slipgate::config {

// Decimal, both bounds inclusive.
[[nodiscard]] Result<std::uint64_t> parse_integer(std::string_view text, std::uint64_t low, std::uint64_t high);

// "500ms", "10s", "1h30m": whole numbers with the units ms, s, m, h. Bounds inclusive.
[[nodiscard]] Result<std::chrono::milliseconds> parse_duration(std::string_view text, std::chrono::milliseconds low,
                                                               std::chrono::milliseconds high);

// As parse_duration(), for settings that are kept in seconds.
[[nodiscard]] Result<std::chrono::seconds> parse_seconds(std::string_view text, std::chrono::seconds low,
                                                         std::chrono::seconds high);

[[nodiscard]] Result<bool> parse_boolean(std::string_view text);

// "61000-65535": first and last port, both inclusive, within 1024..65535.
[[nodiscard]] Result<std::pair<std::uint16_t, std::uint16_t>> parse_port_range(std::string_view text);

// "127.0.0.1:9470", "[::1]:9470". Port 0 lets the kernel choose.
[[nodiscard]] Result<SocketAddress> parse_socket_address(std::string_view text);

// Addresses clients can connect to, separated by commas.
[[nodiscard]] Result<std::vector<IpAddress>> parse_addresses(std::string_view text);

// Networks ("10.1.0.0/16, 2001:db8::/32"), separated by commas.
[[nodiscard]] Result<std::vector<IpPrefix>> parse_prefixes(std::string_view text);

// "192.0.2.0/24, 192.0.2.10-192.0.2.19, 2001:db8::1": addresses for Gateways, separated by commas. Some of each range
// can be given out.
[[nodiscard]] Result<std::vector<IpRange>> parse_ranges(std::string_view text);

// "443,8443": ports from 1 on, separated by commas.
[[nodiscard]] Result<std::set<std::uint16_t>> parse_ports(std::string_view text);

// The name of a namespace.
[[nodiscard]] Result<std::string> parse_namespace(std::string_view text);

// The name of a Node object.
[[nodiscard]] Result<std::string> parse_node_name(std::string_view text);

// "snat", "preserve" or "preserve-only".
[[nodiscard]] Result<SourceMode> parse_source_mode_setting(std::string_view text);

// Names of network interfaces, separated by commas.
[[nodiscard]] Result<std::vector<std::string>> parse_interfaces(std::string_view text);

[[nodiscard]] Result<AttachMode> parse_attach_mode(std::string_view text);

[[nodiscard]] Result<log::Level> parse_log_level(std::string_view text);

}  // namespace slipgate::config
