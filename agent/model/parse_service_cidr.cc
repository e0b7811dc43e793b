// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "agent/model/parse_kinds.h"

namespace slipgate {
namespace {

using namespace std::string_view_literals;

constexpr std::array kSpecFields = {"cidrs"sv};

std::optional<IpPrefix> parse_network(std::string_view text) {
    return text.find('/') == text.npos ? std::nullopt : IpPrefix::parse(text);
}

bool is_network(std::string_view text) {
    return parse_network(text).has_value();
}

constexpr Format kNetwork{1, 64, is_network, "be a network like 10.96.0.0/12, without bits after its length"};

}  // namespace

Object parse_service_cidr(const ObjectReader& root, ObjectMeta meta) {
    ServiceCidr service_cidr{.meta = std::move(meta), .cidrs = {}};
    const auto spec = root.object("spec", kSpecFields, Presence::required);
    if (!spec) return service_cidr;
    for (const auto& text : spec->texts("cidrs", {1, 2}, kNetwork, Presence::required))
        service_cidr.cidrs.push_back(*parse_network(text));
    return service_cidr;
}

}  // namespace slipgate
