// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "agent/base/address.h"
#include "agent/model/parse_kinds.h"

namespace slipgate {
namespace {

using namespace std::string_view_literals;

constexpr std::array kSpecFields = {"configSource"sv, "externalID"sv, "podCIDR"sv,      "podCIDRs"sv,
                                    "providerID"sv,   "taints"sv,     "unschedulable"sv};
constexpr std::array kStatusFields = {
    "addresses"sv,       "allocatable"sv,      "capacity"sv,        "conditions"sv,  "config"sv,
    "daemonEndpoints"sv, "declaredFeatures"sv, "features"sv,        "images"sv,      "nodeInfo"sv,
    "phase"sv,           "runtimeHandlers"sv,  "volumesAttached"sv, "volumesInUse"sv};
constexpr std::array kAddressFields = {"type"sv, "address"sv};

}  // namespace

Object parse_node(const ObjectReader& root, ObjectMeta meta) {
    Node node{.meta = std::move(meta), .addresses = {}};
    (void)root.object("spec", kSpecFields);
    const auto status = root.object("status", kStatusFields);
    if (!status) return node;
    for (const auto& entry : status->objects("addresses", {}, kAddressFields)) {
        const auto type = entry.required_text("type", kAnyText);
        const auto address = entry.required_text("address", kAnyText);
        // The others are names, of types that anyone may invent.
        if (!entry.has("address") || (type != "InternalIP" && type != "ExternalIP")) continue;
        if (const auto parsed = IpAddress::parse(address))
            node.addresses.push_back({type, *parsed});
        else
            entry.warn("address", fmt::format("{} is no IP address, and left out", shown(address)));
    }
    return node;
}

}  // namespace slipgate
