// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace slipgate {

// Collects errors, so that an operator sees all of them at once: one per line.
class ErrorList {
  public:
    void add(std::string_view error) { (text_ += text_.empty() ? "" : "\n") += error; }
    void add(const Status& status, std::string_view context) {
        if (!status) add(status.error().with_context(context).message);
    }
    [[nodiscard]] Status status() const { return text_.empty() ? Status{} : Status{fail(text_)}; }

  private:
    std::string text_;
};

}  // namespace slipgate
