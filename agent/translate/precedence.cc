// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/precedence.h"

namespace slipgate {

bool precedes(const ObjectMeta& a, const ObjectMeta& b) {
    // No timestamp is less than any.
    if (a.creation_timestamp != b.creation_timestamp) return a.creation_timestamp < b.creation_timestamp;
    return key_of(a) < key_of(b);
}

}  // namespace slipgate
