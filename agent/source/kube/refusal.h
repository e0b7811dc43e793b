// SPDX-License-Identifier: Apache-2.0
// What to say of a request that the API server refused. Pure.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace slipgate::kube {

inline constexpr int kBadRequest = 400, kUnauthorized = 401, kForbidden = 403, kNotFound = 404, kConflict = 409;

// A rule of RBAC.
struct Rule {
    std::string_view group;        // "" is core
    std::string_view plural;       // of the resource
    std::string_view subresource;  // may be empty
    std::string_view verbs;        // as they stand in YAML between the brackets
};

// "services", "gateways.gateway.networking.k8s.io/status"
[[nodiscard]] std::string full_name(const Rule& rule);

// What a request needs: a verb, and the rule that holds it, in a ClusterRole or a Role.
struct Permission {
    std::string_view verb;
    Rule rule;
    std::string_view role = "ClusterRole";
};

// Whether the API server refuses since that rule is missing.
[[nodiscard]] bool lacks_rule(int code, std::string_view message, const Permission& needed);

// Names what is missing, if it is credentials or a rule; else says what the API server said: 403 is also the word of an
// admission policy, a quota or a namespace that ends.
[[nodiscard]] std::string describe_refusal(int code, std::string_view message,
                                           const std::optional<Permission>& needed = {});

// As describe_refusal(), of a request for what the API server serves: its rule is of another form.
[[nodiscard]] std::string describe_refused_discovery(int code, std::string_view message);

}  // namespace slipgate::kube
