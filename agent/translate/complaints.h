// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <set>
#include <string>

#include "agent/translate/outcome.h"

namespace slipgate {

// What there is to say in one condition that is set only when something is wrong: several causes, one reason.
class Complaints {
  public:
    // The cause of lowest `precedence` gives the reason. Sentences are told in that order, each once.
    void add(std::size_t precedence, std::string reason, std::string sentence);

    [[nodiscard]] bool empty() const { return by_precedence_.empty(); }

    // True, with the first reason and the sentences, as many as a person reads. Not when empty().
    [[nodiscard]] Outcome outcome() const;

  private:
    struct Cause {
        std::string reason;
        std::set<std::string> sentences;
    };
    std::map<std::size_t, Cause> by_precedence_;
};

}  // namespace slipgate
