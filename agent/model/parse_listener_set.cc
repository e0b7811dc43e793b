// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "agent/model/parse_kinds.h"

namespace slipgate {
namespace {

using namespace std::string_view_literals;

constexpr std::array kSpecFields = {"parentRef"sv, "listeners"sv};
constexpr std::array kParentFields = {"group"sv, "kind"sv, "namespace"sv, "name"sv};

ParentGatewayReference parse_parent(const ObjectReader& in) {
    ParentGatewayReference parent;
    parent.group = in.text("group", kGroup).value_or(parent.group);
    parent.kind = in.text("kind", kKind).value_or(parent.kind);
    parent.namespace_ = in.text("namespace", kDnsLabel);
    parent.name = in.required_text("name", kObjectName);
    return parent;
}

}  // namespace

Object parse_listener_set(const ObjectReader& root, ObjectMeta meta) {
    ListenerSet set{.meta = std::move(meta), .parent_ref = {}, .listeners = {}};
    const auto spec = root.object("spec", kSpecFields, Presence::required);
    if (!spec) return set;
    if (const auto parent = spec->object("parentRef", kParentFields, Presence::required)) {
        set.parent_ref = parse_parent(*parent);
    }
    set.listeners = parse_listeners(*spec);
    return set;
}

}  // namespace slipgate
