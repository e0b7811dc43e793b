// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/precedence.h"

namespace slipgate {

bool precedes(const ObjectMeta& a, const ObjectMeta& b) {
    // RFC 3339 in UTC with whole seconds, as API servers write it, sorts as text.
    if (a.creation_timestamp != b.creation_timestamp) return a.creation_timestamp < b.creation_timestamp;
    return key_of(a) < key_of(b);
}

}  // namespace slipgate
