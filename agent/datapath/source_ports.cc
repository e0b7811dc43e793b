// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/source_ports.h"

#include <fmt/format.h>

#include <bitset>
#include <charconv>
#include <fstream>
#include <iterator>
#include <string>

namespace slipgate {
namespace {

using Ports = std::bitset<65536>;

// Reads a number from the front of `text` and drops it.
bool take_number(std::string_view& text, unsigned& number) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || number > 65535) return false;
    text.remove_prefix(static_cast<std::size_t>(end - text.data()));
    return true;
}

// "a-b,c,d-e" as the kernel prints it.
Ports parse_list(std::string_view text) {
    Ports ports;
    unsigned first = 0;
    while (take_number(text, first)) {
        unsigned last = first;
        if (text.starts_with('-')) {
            text.remove_prefix(1);
            if (!take_number(text, last)) break;
        }
        for (unsigned port = first; port <= last; port++) ports.set(port);
        if (!text.starts_with(',')) break;
        text.remove_prefix(1);
    }
    return ports;
}

std::string read_sysctl(const char* path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace

Status check_source_ports(std::uint16_t first, std::uint16_t last, std::string_view local_range,
                          std::string_view reserved) {
    unsigned low = 0;
    unsigned high = 0;
    auto text = local_range;
    if (!take_number(text, low)) return fail("net.ipv4.ip_local_port_range cannot be read");
    text.remove_prefix(std::min(text.find_first_of("0123456789"), text.size()));
    if (!take_number(text, high)) return fail("net.ipv4.ip_local_port_range cannot be read");
    const Ports kept = parse_list(reserved);
    for (unsigned port = first; port <= last; port++) {
        if (port < low || port > high || kept.test(port)) continue;
        return fail(fmt::format(
            "source-ports {}-{}: port {} lies in net.ipv4.ip_local_port_range ({}-{}), so sockets of this host could "
            "get it "
            "too; choose another range, or keep the range free with sysctl net.ipv4.ip_local_reserved_ports={}-{}",
            first, last, port, low, high, first, last));
    }
    return {};
}

Status check_source_ports(std::uint16_t first, std::uint16_t last) {
    return check_source_ports(first, last, read_sysctl("/proc/sys/net/ipv4/ip_local_port_range"),
                              read_sysctl("/proc/sys/net/ipv4/ip_local_reserved_ports"));
}

}  // namespace slipgate
