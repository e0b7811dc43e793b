// SPDX-License-Identifier: Apache-2.0
#include "agent/app/config_values.h"

#include <net/if.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>

#include "agent/model/formats.h"

namespace slipgate::config {
namespace {

using std::chrono::milliseconds;

// The whole of the text as a decimal number: no sign, no blanks.
std::optional<std::uint64_t> to_number(std::string_view text) {
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return value;
}

struct Unit {
    std::string_view name;
    std::int64_t milliseconds;
};
constexpr std::array kUnits = {Unit{"h", 3'600'000}, Unit{"m", 60'000}, Unit{"s", 1000}, Unit{"ms", 1}};

std::string to_text(milliseconds duration) {
    for (const auto& unit : kUnits) {
        if (duration.count() % unit.milliseconds == 0)
            return fmt::format("{}{}", duration.count() / unit.milliseconds, unit.name);
    }
    return {};
}

std::optional<milliseconds> to_duration(std::string_view text) {
    constexpr std::uint64_t kLimit = 1'000'000'000'000;  // ms, some 30 years: far from any overflow
    std::uint64_t total = 0;
    if (text.empty()) return std::nullopt;
    while (!text.empty()) {
        const auto digits = std::min(text.find_first_not_of("0123456789"), text.size());
        const auto number = to_number(text.substr(0, digits));
        text.remove_prefix(digits);
        const auto letters = std::min(text.find_first_of("0123456789"), text.size());
        const auto unit = std::find_if(kUnits.begin(), kUnits.end(),
                                       [&](const Unit& u) { return u.name == text.substr(0, letters); });
        if (!number || *number > kLimit || unit == kUnits.end()) return std::nullopt;
        total += *number * static_cast<std::uint64_t>(unit->milliseconds);
        if (total > kLimit) return std::nullopt;
        text.remove_prefix(letters);
    }
    return milliseconds(total);
}

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    for (;;) {
        const auto end = text.find(separator);
        auto part = text.substr(0, end);
        while (part.starts_with(' ')) part.remove_prefix(1);
        while (part.ends_with(' ')) part.remove_suffix(1);
        parts.push_back(part);
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

tl::unexpected<Error> refuse(std::string_view text, std::string_view allowed) {
    return fail(fmt::format("{} is not allowed: {}", text.empty() ? "an empty value" : log::quote(text), allowed));
}

// Of addresses that no Gateway can have, if the whole range is of one such kind.
std::string_view kind_of_no_host(const IpRange& range) {
    const auto all = [&](bool (IpAddress::*is)() const) { return (range.first.*is)() && (range.last.*is)(); };
    if (all(&IpAddress::is_unspecified)) return "unspecified";
    if (all(&IpAddress::is_loopback)) return "loopback";
    if (all(&IpAddress::is_link_local)) return "link-local";
    if (all(&IpAddress::is_multicast)) return "multicast";
    return {};
}

}  // namespace

Result<std::uint64_t> parse_integer(std::string_view text, std::uint64_t low, std::uint64_t high) {
    const auto value = to_number(text);
    if (!value || *value < low || *value > high)
        return refuse(text, fmt::format("give a whole number from {} to {}", low, high));
    return *value;
}

Result<milliseconds> parse_duration(std::string_view text, milliseconds low, milliseconds high) {
    const auto value = to_duration(text);
    if (!value || *value < low || *value > high) {
        return refuse(text, fmt::format("give a duration from {} to {}, such as 500ms, 1s, 10m or 3h", to_text(low),
                                        to_text(high)));
    }
    return *value;
}

Result<std::chrono::seconds> parse_seconds(std::string_view text, std::chrono::seconds low, std::chrono::seconds high) {
    const auto value = parse_duration(text, low, high);
    if (!value) return tl::unexpected(value.error());
    if (value->count() % 1000 != 0) return refuse(text, "give whole seconds");
    return std::chrono::duration_cast<std::chrono::seconds>(*value);
}

Result<bool> parse_boolean(std::string_view text) {
    if (text == "true") return true;
    if (text == "false") return false;
    return refuse(text, "give true or false");
}

Result<std::pair<std::uint16_t, std::uint16_t>> parse_port_range(std::string_view text) {
    constexpr std::uint64_t kFirst = 1024, kLast = std::numeric_limits<std::uint16_t>::max();
    const auto parts = split(text, '-');
    const auto first = to_number(parts.front());
    const auto last = to_number(parts.back());
    if (parts.size() != 2 || !first || !last || *first < kFirst || *last > kLast || *first > *last) {
        return refuse(
            text, fmt::format("give FIRST-LAST with {} <= FIRST <= LAST <= {}, such as 61000-65535", kFirst, kLast));
    }
    return std::pair(static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last));
}

Result<SocketAddress> parse_socket_address(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon != std::string_view::npos) {
        auto host = text.substr(0, colon);
        const bool bracketed = host.starts_with('[') && host.ends_with(']');
        if (bracketed) host = host.substr(1, host.size() - 2);
        const auto address = IpAddress::parse(host);
        const auto port = to_number(text.substr(colon + 1));
        if (address && port && *port <= std::numeric_limits<std::uint16_t>::max() && bracketed == address->is_ipv6()) {
            return SocketAddress{*address, static_cast<std::uint16_t>(*port)};
        }
    }
    return refuse(text, "give ADDRESS:PORT with port 0 to 65535, such as 127.0.0.1:9470 or [::1]:9470");
}

Result<std::vector<IpAddress>> parse_addresses(std::string_view text) {
    std::vector<IpAddress> addresses;
    for (const auto part : split(text, ',')) {
        const auto address = IpAddress::parse(part);
        if (!address) return refuse(part.empty() ? text : part, "give IPv4 or IPv6 addresses, separated by commas");
        if (address->is_unspecified() || address->is_loopback() || address->is_link_local() ||
            address->is_multicast()) {
            return refuse(part,
                          "give addresses that clients can reach: not unspecified, loopback, link-local or multicast");
        }
        addresses.push_back(*address);
    }
    return addresses;
}

Result<std::vector<IpPrefix>> parse_prefixes(std::string_view text) {
    std::vector<IpPrefix> prefixes;
    for (const auto part : split(text, ',')) {
        const auto prefix = IpPrefix::parse(part);
        if (!prefix) {
            return refuse(
                part.empty() ? text : part,
                "give networks ADDRESS/LENGTH with no bit set after LENGTH, such as 10.1.0.0/16, separated by "
                "commas");
        }
        prefixes.push_back(*prefix);
    }
    return prefixes;
}

Result<std::vector<IpRange>> parse_ranges(std::string_view text) {
    std::vector<IpRange> ranges;
    for (const auto part : split(text, ',')) {
        const auto range = IpRange::parse(part);
        if (!range) {
            return refuse(part.empty() ? text : part,
                          "give networks (192.0.2.0/24), ranges (192.0.2.10-192.0.2.19) or addresses, separated by "
                          "commas");
        }
        if (const auto kind = kind_of_no_host(*range); !kind.empty())
            return refuse(part, fmt::format("clients reach none of it: these are {} addresses", kind));
        ranges.push_back(*range);
    }
    return ranges;
}

Result<std::set<std::uint16_t>> parse_ports(std::string_view text) {
    std::set<std::uint16_t> ports;
    for (const auto part : split(text, ',')) {
        const auto port = to_number(part);
        if (!port || *port == 0 || *port > std::numeric_limits<std::uint16_t>::max())
            return refuse(part.empty() ? text : part, "give ports from 1 to 65535, separated by commas");
        ports.insert(static_cast<std::uint16_t>(*port));
    }
    return ports;
}

Result<std::string> parse_namespace(std::string_view text) {
    constexpr std::size_t kLongest = 63;
    if (!is_dns_label(text) || text.size() > kLongest)
        return refuse(text, "give the name of a namespace: lower case letters, digits and -");
    return std::string(text);
}

Result<std::string> parse_node_name(std::string_view text) {
    if (!is_dns_subdomain(text))
        return refuse(text, "give the node's name in Kubernetes: lower case letters, digits, - and .");
    return std::string(text);
}

Result<SourceMode> parse_source_mode_setting(std::string_view text) {
    const auto mode = parse_source_mode(text);
    if (!mode) return refuse(text, "give snat, preserve or preserve-only");
    return *mode;
}

Result<std::vector<std::string>> parse_interfaces(std::string_view text) {
    std::vector<std::string> names;
    for (const auto part : split(text, ',')) {
        // What the kernel takes as a name: dev_valid_name() in net/core/dev.c.
        const bool valid = !part.empty() && part.size() < IFNAMSIZ && part != "." && part != ".." &&
                           part.find_first_of("/: \t\n\v\f\r") == std::string_view::npos;
        if (!valid)
            return refuse(part.empty() ? text : part,
                          fmt::format("give names of network interfaces (1 to {} characters), separated by commas",
                                      IFNAMSIZ - 1));
        names.emplace_back(part);
    }
    return names;
}

Result<AttachMode> parse_attach_mode(std::string_view text) {
    if (text == "auto") return AttachMode::kAuto;
    if (text == "tcx") return AttachMode::kTcx;
    if (text == "clsact") return AttachMode::kClsact;
    return refuse(text, "give auto, tcx or clsact");
}

Result<log::Level> parse_log_level(std::string_view text) {
    if (text == "trace") return log::Level::trace;
    if (text == "debug") return log::Level::debug;
    if (text == "info") return log::Level::info;
    if (text == "warn") return log::Level::warn;
    if (text == "error") return log::Level::err;
    return refuse(text, "give trace, debug, info, warn or error");
}

}  // namespace slipgate::config
