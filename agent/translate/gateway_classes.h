// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/model/objects.h"
#include "agent/model/status.h"
#include "agent/translate/address_rules.h"
#include "agent/translate/outcome.h"
#include "agent/translate/translate.h"

namespace slipgate {

[[nodiscard]] Outcome accept_gateway_class(const GatewayClass& gateway_class);

[[nodiscard]] GatewayClassStatus gateway_class_status(const GatewayClass& gateway_class, const Snapshot& snapshot,
                                                      const TranslateOptions& options, const AddressRules& rules);

}  // namespace slipgate
