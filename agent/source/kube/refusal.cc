// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/refusal.h"

#include <fmt/format.h>

namespace slipgate::kube {
namespace {

std::string with_subresource(std::string_view name, const Rule& rule) {
    return rule.subresource.empty() ? std::string(name) : fmt::format("{}/{}", name, rule.subresource);
}

// Whether it is the authorizer that refuses (forbiddenMessage() in k8s.io/apiserver/pkg/endpoints/handlers/
// responsewriters/errors.go).
bool is_about_rules(std::string_view message, std::string_view verb, std::string_view what) {
    return message.find(fmt::format(" cannot {} {} ", verb, what)) != message.npos;
}

}  // namespace

std::string full_name(const Rule& rule) {
    return with_subresource(
        rule.group.empty() ? std::string(rule.plural) : fmt::format("{}.{}", rule.plural, rule.group), rule);
}

std::string describe_refused_discovery(int code, std::string_view message) {
    if (code != kForbidden || !is_about_rules(message, "get", "path")) return describe_refusal(code, message);
    return fmt::format(
        "RBAC does not allow to ask what the API server serves: a ClusterRole bound to the agent needs the rule "
        R"({{nonResourceURLs: ["/api", "/api/*", "/apis", "/apis/*"], verbs: ["get"]}}, as system:discovery has it ({}))",
        message);
}

bool lacks_rule(int code, std::string_view message, const Permission& needed) {
    return code == kForbidden && is_about_rules(message, needed.verb, "resource");
}

std::string describe_refusal(int code, std::string_view message, const std::optional<Permission>& needed) {
    if (needed && lacks_rule(code, message, *needed)) {
        const auto& [verb, rule, role] = *needed;
        return fmt::format(
            "RBAC does not allow to {} {}: a {} bound to the agent needs the rule "
            "{{apiGroups: [\"{}\"], resources: [\"{}\"], verbs: [{}]}} ({})",
            verb, full_name(rule), role, rule.group, with_subresource(rule.plural, rule), rule.verbs, message);
    }
    const auto* const hint =
        code == kUnauthorized ? "the API server does not take the agent's credentials" : "the API server refuses";
    return fmt::format("{}: {} {}", hint, code, message);
}

}  // namespace slipgate::kube
