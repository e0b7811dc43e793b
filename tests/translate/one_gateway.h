// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "agent/model/objects.h"
#include "agent/translate/translate.h"

namespace slipgate {

// The Gateway default/gw, of our class and without listeners.
inline Snapshot one_gateway() {
    Snapshot snapshot;
    snapshot.gateway_classes["slipgate"].controller_name = TranslateOptions{}.controller_name;
    auto& gateway = snapshot.gateways["default/gw"];
    gateway.meta.namespace_ = "default";
    gateway.meta.name = "gw";
    gateway.gateway_class_name = "slipgate";
    return snapshot;
}

}  // namespace slipgate
