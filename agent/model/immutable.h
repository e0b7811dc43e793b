// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>

#include "agent/model/objects.h"

namespace slipgate {

struct ImmutableField {
    std::string path;
    std::string value;
    bool operator==(const ImmutableField&) const = default;
};

// The field that an update of the object must leave as it is: GatewayClass spec.controllerName (CEL: self == oldSelf)
// and EndpointSlice addressType. Only the version before can tell, so parse_object() does not check it.
[[nodiscard]] std::optional<ImmutableField> immutable_field(const Object& object);

}  // namespace slipgate
