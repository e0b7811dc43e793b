// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "agent/model/objects.h"

namespace slipgate {

// May a TLSRoute in `route_namespace` name the Service `service_namespace/service_name`? Inside one namespace always;
// across namespaces if a ReferenceGrant in the Service's namespace says so.
[[nodiscard]] bool is_reference_permitted(const Snapshot& snapshot, const std::string& route_namespace,
                                          const std::string& service_namespace, const std::string& service_name);

}  // namespace slipgate
