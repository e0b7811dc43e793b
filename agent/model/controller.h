// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace slipgate {

// controllerName of the GatewayClasses that are ours, and of our entries in a route's status.
inline constexpr const char* kOurController = "slipgate.dev/gateway-controller";

}  // namespace slipgate
