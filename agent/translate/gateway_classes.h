// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/model/objects.h"
#include "agent/model/status.h"
#include "agent/translate/outcome.h"
#include "agent/translate/translate.h"

namespace slipgate {

// Release of the Gateway API this translator implements: the value of the CRDs' annotation
// gateway.networking.k8s.io/bundle-version.
inline constexpr const char* kGatewayApiVersion = "v1.7.0";

[[nodiscard]] Outcome accept_gateway_class(const GatewayClass& gateway_class);

[[nodiscard]] GatewayClassStatus gateway_class_status(const GatewayClass& gateway_class, const Snapshot& snapshot,
                                                      const TranslateOptions& options);

}  // namespace slipgate
