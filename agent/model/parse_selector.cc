// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "agent/model/parse_kinds.h"

namespace slipgate {
namespace {

using namespace std::string_view_literals;

constexpr std::array kNamespacesFields = {"from"sv, "selector"sv};
constexpr std::array kSelectorFields = {"matchLabels"sv, "matchExpressions"sv};
constexpr std::array kExpressionFields = {"key"sv, "operator"sv, "values"sv};

// Why no label can be compared with the expression, as LabelSelectorAsSelector() of Kubernetes sees it; empty: it can.
std::string fault_of(const LabelSelector::Expression& expression) {
    const auto& [key, op, values] = expression;
    if (!is_qualified_name(key)) return fmt::format("key {} is not the key of a label", shown(key));
    if (op == "Exists" || op == "DoesNotExist") {
        return values.empty() ? "" : fmt::format("values must be empty for operator {}", op);
    }
    if (op != "In" && op != "NotIn") return fmt::format("operator {} is none", shown(op));
    if (values.empty()) return fmt::format("operator {} needs values", op);
    for (const auto& value : values) {
        if (value.size() > kLabelValue.max_length || !is_label_value(value))
            return fmt::format("{} is not the value of a label", shown(value));
    }
    return {};
}

}  // namespace

LabelSelector parse_selector(const ObjectReader& in) {
    LabelSelector selector{.match_labels = in.text_map("matchLabels", {}, kAnyText, kAnyText), .match_expressions = {}};
    const auto items = in.objects("matchExpressions", {}, kExpressionFields);
    std::string field, reason;  // of the first fault: one is enough to match nothing
    for (std::size_t i = 0; i < items.size(); ++i) {
        LabelSelector::Expression expression;
        expression.key = items[i].required_text("key", kAnyText);
        expression.op = items[i].required_text("operator", kAnyText);
        expression.values = items[i].texts("values", {}, kAnyText);
        if (auto fault = fault_of(expression); !fault.empty()) {
            expression.op.clear();
            if (reason.empty()) {
                field = fmt::format("matchExpressions[{}]", i);
                reason = std::move(fault);
            }
        }
        selector.match_expressions.push_back(std::move(expression));
    }
    if (!reason.empty() && in.clean()) in.warn(field, reason + ": the selector matches nothing");
    return selector;
}

AllowedNamespaces parse_allowed_namespaces(const ObjectReader& owner, FieldNames choices, std::string_view fallback) {
    AllowedNamespaces allowed{std::string(fallback), {}};
    const auto namespaces = owner.object("namespaces", kNamespacesFields);
    if (!namespaces) return allowed;
    allowed.from = namespaces->choice("from", choices, fallback);
    if (const auto selector = namespaces->object("selector", kSelectorFields)) {
        allowed.selector = parse_selector(*selector);
    }
    return allowed;
}

}  // namespace slipgate
