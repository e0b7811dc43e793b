// SPDX-License-Identifier: Apache-2.0
#include "agent/model/label_selector.h"

#include <algorithm>

namespace slipgate {
namespace {

bool matches(const LabelSelector::Expression& expression, const std::map<std::string, std::string>& labels) {
    const auto label = labels.find(expression.key);
    const bool exists = label != labels.end();
    const auto is_listed = [&] {
        return std::find(expression.values.begin(), expression.values.end(), label->second) != expression.values.end();
    };
    if (expression.op == "In") return exists && is_listed();
    if (expression.op == "NotIn") return !exists || !is_listed();
    if (expression.op == "Exists") return exists;
    if (expression.op == "DoesNotExist") return !exists;
    return false;
}

}  // namespace

bool matches(const LabelSelector& selector, const std::map<std::string, std::string>& labels) {
    const auto has_label = [&](const auto& wanted) {
        const auto label = labels.find(wanted.first);
        return label != labels.end() && label->second == wanted.second;
    };
    return std::all_of(selector.match_labels.begin(), selector.match_labels.end(), has_label) &&
           std::all_of(selector.match_expressions.begin(), selector.match_expressions.end(),
                       [&](const auto& expression) { return matches(expression, labels); });
}

}  // namespace slipgate
