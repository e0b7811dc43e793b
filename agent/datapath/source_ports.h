// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/base/result.h"

namespace slipgate {

// May the range first..last be ours? It must not overlap the ports the host's own sockets get (`local_range`, the text
// of net.ipv4.ip_local_port_range: "32768\t60999") unless they are kept free (`reserved`, the text of
// net.ipv4.ip_local_reserved_ports: "61000-61999,65000"). The error names the sysctl.
[[nodiscard]] Status check_source_ports(std::uint16_t first, std::uint16_t last, std::string_view local_range,
                                        std::string_view reserved);

// The same with the settings of this network namespace. They are never changed.
[[nodiscard]] Status check_source_ports(std::uint16_t first, std::uint16_t last);

}  // namespace slipgate
