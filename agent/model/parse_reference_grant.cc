// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "agent/model/parse_kinds.h"

namespace slipgate {
namespace {

using namespace std::string_view_literals;

constexpr std::array kSpecFields = {"from"sv, "to"sv};
constexpr std::array kFromFields = {"group"sv, "kind"sv, "namespace"sv};
constexpr std::array kToFields = {"group"sv, "kind"sv, "name"sv};
constexpr Limits kEntries{1, 16};

}  // namespace

Object parse_reference_grant(const ObjectReader& root, ObjectMeta meta) {
    ReferenceGrant grant{.meta = std::move(meta), .from = {}, .to = {}};
    const auto spec = root.object("spec", kSpecFields, Presence::required);
    if (!spec) return grant;
    for (const auto& in : spec->objects("from", kEntries, kFromFields, Presence::required)) {
        ReferenceGrant::From from;
        from.group = in.required_text("group", kGroup);
        from.kind = in.required_text("kind", kKind);
        from.namespace_ = in.required_text("namespace", kDnsLabel);
        grant.from.push_back(std::move(from));
    }
    for (const auto& in : spec->objects("to", kEntries, kToFields, Presence::required)) {
        ReferenceGrant::To to;
        to.group = in.required_text("group", kGroup);
        to.kind = in.required_text("kind", kKind);
        to.name = in.text("name", kObjectName);
        grant.to.push_back(std::move(to));
    }
    return grant;
}

}  // namespace slipgate
