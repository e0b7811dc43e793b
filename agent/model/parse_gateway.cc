// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "agent/base/address.h"
#include "agent/model/parse_kinds.h"

namespace slipgate {
namespace {

using namespace std::string_view_literals;

constexpr std::array kSpecFields = {"gatewayClassName"sv, "listeners"sv,        "addresses"sv,
                                    "infrastructure"sv,   "allowedListeners"sv, "tls"sv};
constexpr std::array kAddressFields = {"type"sv, "value"sv};
constexpr std::array kStatusFields = {"addresses"sv, "attachedListenerSets"sv, "conditions"sv, "listeners"sv};
constexpr std::array kInfrastructureFields = {"labels"sv, "annotations"sv, "parametersRef"sv};
constexpr std::array kLocalParametersFields = {"group"sv, "kind"sv, "name"sv};
constexpr std::array kAllowedListenersFields = {"namespaces"sv};
constexpr std::array kFrom = {"All"sv, "Selector"sv, "Same"sv, "None"sv};
constexpr Format kAddressValue{0, 253, is_anything, ""};

GatewayAddress parse_address(const ObjectReader& in) {
    GatewayAddress address;
    address.type = in.text("type", kAddressType).value_or("IPAddress");
    const auto value = in.text("value", kAddressValue);
    if (!value) return address;
    address.value = *value;
    if (address.type == "IPAddress" && !IpAddress::parse(*value))
        in.invalid("value", "must be an IPv4 or IPv6 address");
    if (address.type == "Hostname" && !is_hostname(*value)) in.invalid("value", fmt::format("must {}", kHostname.must));
    return address;
}

// CEL: "IPAddress values must be unique", "Hostname values must be unique".
void check_unique_addresses(const ObjectReader& spec, const std::vector<GatewayAddress>& addresses) {
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const auto& [type, value] = addresses[i];
        if (value.empty() || (type != "IPAddress" && type != "Hostname")) continue;
        if (first_equal(addresses, i, std::equal_to{}) == i) continue;
        spec.invalid_value(fmt::format("addresses[{}].value", i), shown(value),
                           fmt::format("{} values must be unique", type));
    }
}

// Whoever wrote the status, a mistake in it is no mistake of the Gateway.
std::vector<IpAddress> read_assigned(const ObjectReader& root) {
    std::vector<IpAddress> assigned;
    const auto status = root.object("status", kStatusFields);
    if (!status) return assigned;
    for (const auto& entry : status->objects("addresses", {}, kAddressFields)) {
        if (const auto address = IpAddress::parse(entry.text("value", kAnyText).value_or("")))
            assigned.push_back(*address);
    }
    return assigned;
}

}  // namespace

Object parse_gateway(const ObjectReader& root, ObjectMeta meta) {
    Gateway gateway{.meta = std::move(meta),
                    .gateway_class_name = {},
                    .listeners = {},
                    .addresses = {},
                    .assigned = read_assigned(root)};
    const auto spec = root.object("spec", kSpecFields, Presence::required);
    if (!spec) return gateway;
    gateway.gateway_class_name = spec->required_text("gatewayClassName", kObjectName);
    gateway.listeners = parse_listeners(*spec);
    for (const auto& address : spec->objects("addresses", {0, 16}, kAddressFields)) {
        gateway.addresses.push_back(parse_address(address));
    }
    if (const auto infrastructure = spec->object("infrastructure", kInfrastructureFields)) {
        (void)infrastructure->text_map("labels", {0, 8}, kInfrastructureKey, kLabelValue);
        (void)infrastructure->text_map("annotations", {0, 16}, kInfrastructureKey, kOptionValue);
        gateway.has_parameters_ref = check_parameters_ref(*infrastructure, kLocalParametersFields);
    }
    if (const auto allowed = spec->object("allowedListeners", kAllowedListenersFields)) {
        gateway.allowed_listeners = parse_allowed_namespaces(*allowed, kFrom, "None");
    }
    check_gateway_tls(*spec);
    if (spec->clean()) check_unique_addresses(*spec, gateway.addresses);
    return gateway;
}

}  // namespace slipgate
