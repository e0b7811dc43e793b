// SPDX-License-Identifier: Apache-2.0
#include "agent/model/objects.h"

namespace slipgate {

std::string key_of(const ObjectMeta& meta) {
    return meta.namespace_.empty() ? meta.name : meta.namespace_ + "/" + meta.name;
}

}  // namespace slipgate
