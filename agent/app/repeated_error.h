// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "agent/base/log.h"
#include "agent/base/result.h"

namespace slipgate {

// Logs an error of something done again and again: when it begins, when it becomes another one, and when it is over.
class RepeatedError {
  public:
    explicit RepeatedError(std::string task) : task_(std::move(task)) {}

    void note(const Status& status) {
        const std::string now = status ? "" : status.error().message;
        if (now == last_) return;
        if (status) {
            log::info("agent", task_ + " works again");
        } else {
            log::error("agent", task_ + " failed, trying again", {{"error", now}});
        }
        last_ = now;
    }

    [[nodiscard]] const std::string& last() const { return last_; }  // empty: it works

  private:
    std::string task_;
    std::string last_;
};

}  // namespace slipgate
