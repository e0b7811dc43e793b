// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <limits>

#include "agent/base/address.h"
#include "agent/model/parse_kinds.h"

namespace slipgate {
namespace {

using namespace std::string_view_literals;

constexpr std::array kEndpointFields = {"addresses"sv,          "conditions"sv, "hostname"sv, "targetRef"sv,
                                        "deprecatedTopology"sv, "nodeName"sv,   "zone"sv,     "hints"sv};
constexpr std::array kConditionFields = {"ready"sv, "serving"sv, "terminating"sv};
constexpr std::array kHintFields = {"forZones"sv, "forNodes"sv};
constexpr std::array kNameField = {"name"sv};
constexpr std::array kPortFields = {"name"sv, "protocol"sv, "port"sv, "appProtocol"sv};
constexpr std::array kAddressTypes = {"IPv4"sv, "IPv6"sv, "FQDN"sv};
constexpr std::array kProtocols = {"TCP"sv, "UDP"sv, "SCTP"sv};

constexpr Limits kEndpoints{0, 1000};
constexpr Limits kPorts{0, 20'000};
constexpr Limits kAddresses{1, 100};
constexpr Limits kHints{0, 8};
constexpr Range kAnyInt32{std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()};

// ValidateNonSpecialIP() of Kubernetes; empty: the address may be an endpoint's.
std::string_view special_range(const IpAddress& address) {
    static const auto kAnyIpv4 = IpAddress::parse("0.0.0.0");
    const auto& bytes = address.bytes();
    const bool link_local_multicast = address.is_ipv4() ? bytes[12] == 224 && bytes[13] == 0 && bytes[14] == 0
                                                        : bytes[0] == 0xff && (bytes[1] & 0x0fU) == 0x02;
    if (address == IpAddress() || address == kAnyIpv4) return "unspecified (0.0.0.0 or ::)";
    if (address.is_loopback()) return "in the loopback range (127.0.0.0/8, ::1/128)";
    if (address.is_link_local()) return "in the link-local range (169.254.0.0/16, fe80::/10)";
    if (link_local_multicast) return "in the link-local multicast range (224.0.0.0/24, ff02::/10)";
    return {};
}

// The addresses of FQDN slices are not read by anybody.
void check_addresses(const ObjectReader& in, const std::vector<std::string>& addresses, std::string_view type) {
    if (type == "FQDN") return;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const auto field = fmt::format("addresses[{}]", i);
        const auto address = IpAddress::parse(addresses[i]);
        if (!address || address->is_ipv4() != (type == "IPv4")) {
            in.invalid_value(field, shown(addresses[i]), fmt::format("must be a valid {} address", type));
        } else if (const auto range = special_range(*address); !range.empty()) {
            in.invalid_value(field, shown(addresses[i]), fmt::format("may not be {}", range));
        }
    }
}

std::vector<std::string> parse_names(const ObjectReader& in, std::string_view field, const Format& format) {
    std::vector<std::string> names;
    for (const auto& entry : in.objects(field, kHints, kNameField))
        names.push_back(entry.required_text("name", format));
    return names;
}

EndpointSlice::Endpoint parse_endpoint(const ObjectReader& in, std::string_view address_type) {
    EndpointSlice::Endpoint endpoint;
    endpoint.addresses = in.texts("addresses", kAddresses, kAnyText, Presence::required);
    if (!address_type.empty() && in.clean()) check_addresses(in, endpoint.addresses, address_type);
    if (const auto conditions = in.object("conditions", kConditionFields)) {
        endpoint.ready = conditions->boolean("ready").value_or(true);
        endpoint.serving = conditions->boolean("serving").value_or(true);
        endpoint.terminating = conditions->boolean("terminating").value_or(false);
    }
    endpoint.node_name = in.text("nodeName", kAnyText);
    if (const auto hints = in.object("hints", kHintFields)) {
        endpoint.for_nodes = parse_names(*hints, "forNodes", kDnsSubdomain);
        endpoint.for_zones = parse_names(*hints, "forZones", kLabelValue);
    }
    return endpoint;
}

EndpointSlice::Port parse_port(const ObjectReader& in) {
    EndpointSlice::Port port;
    port.name = in.text("name", kPortName).value_or("");
    port.protocol = in.choice("protocol", kProtocols, "TCP");
    // The API server takes any number. A port that cannot be is no reason to do without the others.
    if (const auto number = in.integer("port", kAnyInt32)) {
        if (*number >= 1 && *number <= std::numeric_limits<std::uint16_t>::max())
            port.port = static_cast<std::uint16_t>(*number);
        else
            in.warn("port", fmt::format("{} is not between 1 and 65535, and left out", *number));
    }
    return port;
}

void check_unique_ports(const ObjectReader& root, const std::vector<EndpointSlice::Port>& ports) {
    const auto same_name = [](const auto& a, const auto& b) { return a.name == b.name; };
    for (std::size_t i = 0; i < ports.size(); ++i) {
        if (first_equal(ports, i, same_name) == i) continue;
        root.error(fmt::format("ports[{}].name", i), fmt::format("Duplicate value: \"{}\"", ports[i].name));
    }
}

}  // namespace

Object parse_endpoint_slice(const ObjectReader& root, ObjectMeta meta) {
    EndpointSlice slice{.meta = std::move(meta), .address_type = {}, .endpoints = {}, .ports = {}};
    slice.address_type = root.choice("addressType", kAddressTypes, "", Presence::required);
    for (const auto& endpoint : root.objects("endpoints", kEndpoints, kEndpointFields)) {
        slice.endpoints.push_back(parse_endpoint(endpoint, slice.address_type));
    }
    for (const auto& port : root.objects("ports", kPorts, kPortFields)) slice.ports.push_back(parse_port(port));
    if (root.clean()) check_unique_ports(root, slice.ports);
    return slice;
}

}  // namespace slipgate
