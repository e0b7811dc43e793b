// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "agent/model/status.h"

namespace slipgate {

// Release of the Gateway API whose rules are followed: the value of the CRDs' annotation
// gateway.networking.k8s.io/bundle-version.
inline constexpr const char* kGatewayApiVersion = "v1.7.0";

// The condition SupportedVersion of a GatewayClass. `bundle_versions`: of the CRDs, by name.
[[nodiscard]] Condition supported_version(const std::map<std::string, std::string>& bundle_versions,
                                          std::int64_t generation);

}  // namespace slipgate
