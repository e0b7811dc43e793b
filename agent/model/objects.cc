// SPDX-License-Identifier: Apache-2.0
#include "agent/model/objects.h"

namespace slipgate {

std::string key_of(const ObjectMeta& meta) {
    return meta.namespace_.empty() ? meta.name : meta.namespace_ + "/" + meta.name;
}

std::string parent_gateway(const ListenerSet& set) {
    const auto& parent = set.parent_ref;
    if (parent.group != kGatewayGroup || parent.kind != "Gateway") return {};
    return parent.namespace_.value_or(set.meta.namespace_) + "/" + parent.name;
}

}  // namespace slipgate
