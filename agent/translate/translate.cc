// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/translate.h"

#include "agent/translate/translator.h"

namespace slipgate {

Translation translate(const Snapshot& snapshot, const TranslateOptions& options, const Circumstances& circumstances) {
    return Translator(options).translate(snapshot, circumstances);
}

}  // namespace slipgate
