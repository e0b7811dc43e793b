// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/complaints.h"

namespace slipgate {
namespace {

constexpr std::size_t kMaxSentences = 8;  // well below the 32768 characters of a condition's message

}  // namespace

void Complaints::add(std::size_t precedence, std::string reason, std::string sentence) {
    auto& cause = by_precedence_[precedence];
    cause.reason = std::move(reason);
    cause.sentences.insert(std::move(sentence));
}

Outcome Complaints::outcome() const {
    std::string message;
    std::size_t count = 0;
    for (const auto& [precedence, cause] : by_precedence_) {
        for (const auto& sentence : cause.sentences) {
            if (++count <= kMaxSentences) append(message, sentence, ". ");
        }
    }
    if (count > kMaxSentences) append(message, std::to_string(count - kMaxSentences) + " more", " And ");
    return succeeded(by_precedence_.begin()->second.reason, message);
}

}  // namespace slipgate
