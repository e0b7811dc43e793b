// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "agent/base/address.h"
#include "agent/model/parse_kinds.h"

namespace slipgate {
namespace {

using namespace std::string_view_literals;

constexpr std::array kEndpointFields = {"addresses"sv,          "conditions"sv, "hostname"sv, "targetRef"sv,
                                        "deprecatedTopology"sv, "nodeName"sv,   "zone"sv,     "hints"sv};
constexpr std::array kConditionFields = {"ready"sv, "serving"sv, "terminating"sv};
constexpr std::array kPortFields = {"name"sv, "protocol"sv, "port"sv, "appProtocol"sv};
constexpr std::array kAddressTypes = {"IPv4"sv, "IPv6"sv, "FQDN"sv};
constexpr std::array kProtocols = {"TCP"sv, "UDP"sv, "SCTP"sv};

constexpr Limits kEndpoints{0, 1000};
constexpr Limits kPorts{0, 20'000};
constexpr Limits kAddresses{1, 100};

bool is_port_name(std::string_view text) {
    return text.empty() || is_dns_label(text);
}
constexpr Format kPortName{0, 63, is_port_name, "be empty or a DNS label"};

void check_addresses(const ObjectReader& in, const std::vector<std::string>& addresses, std::string_view type) {
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const auto field = fmt::format("addresses[{}]", i);
        const auto address = IpAddress::parse(addresses[i]);
        const bool fits =
            type == "FQDN" ? is_dns_subdomain(addresses[i]) : address && address->is_ipv4() == (type == "IPv4");
        if (!fits)
            in.invalid_value(field, shown(addresses[i]), fmt::format("must be of the slice's addressType, {}", type));
    }
}

EndpointSlice::Endpoint parse_endpoint(const ObjectReader& in, std::string_view address_type) {
    EndpointSlice::Endpoint endpoint;
    endpoint.addresses = in.texts("addresses", kAddresses, kAnyText, Presence::required);
    if (!address_type.empty()) check_addresses(in, endpoint.addresses, address_type);
    if (const auto conditions = in.object("conditions", kConditionFields)) {
        endpoint.ready = conditions->boolean("ready").value_or(true);
        endpoint.serving = conditions->boolean("serving").value_or(true);
        endpoint.terminating = conditions->boolean("terminating").value_or(false);
    }
    endpoint.node_name = in.text("nodeName", kAnyText);
    return endpoint;
}

EndpointSlice::Port parse_port(const ObjectReader& in) {
    EndpointSlice::Port port;
    port.name = in.text("name", kPortName).value_or("");
    port.protocol = in.choice("protocol", kProtocols, "TCP");
    port.port = in.port("port");
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
