// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/translate.h"

namespace slipgate {

Translation translate(const Snapshot& /*snapshot*/, const TranslateOptions& /*options*/) {
    return {};
}

}  // namespace slipgate
