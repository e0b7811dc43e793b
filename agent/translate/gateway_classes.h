// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>

#include "agent/model/status.h"
#include "agent/translate/outcome.h"

namespace slipgate {

// Release of the Gateway API this translator implements: the value of the CRDs' annotation
// gateway.networking.k8s.io/bundle-version.
inline constexpr const char* kGatewayApiVersion = "v1.7.0";

[[nodiscard]] Outcome accept_gateway_class(const GatewayClass& gateway_class);

// `bundle_versions`: as of a Snapshot.
[[nodiscard]] GatewayClassStatus gateway_class_status(const GatewayClass& gateway_class,
                                                      const std::map<std::string, std::string>& bundle_versions);

}  // namespace slipgate
