// SPDX-License-Identifier: Apache-2.0
#include "agent/model/immutable.h"

namespace slipgate {

std::optional<ImmutableField> immutable_field(const Object& object) {
    if (const auto* gateway_class = std::get_if<GatewayClass>(&object)) {
        return ImmutableField{"spec.controllerName", gateway_class->controller_name};
    }
    if (const auto* slice = std::get_if<EndpointSlice>(&object)) {
        return ImmutableField{"addressType", slice->address_type};
    }
    return {};
}

}  // namespace slipgate
