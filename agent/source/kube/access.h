// SPDX-License-Identifier: Apache-2.0
// Where the API server is, and how to prove who we are: from a kubeconfig, or from what a pod finds in its files.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/result.h"

namespace slipgate::kube {

// A text that stands in the configuration itself, or in a file that may be replaced at any time.
struct Material {
    std::string text;
    std::filesystem::path file;  // read if there is no text

    [[nodiscard]] bool empty() const { return text.empty() && file.empty(); }
    bool operator==(const Material&) const = default;
};

struct Access {
    std::string server;                       // "https://host:6443", perhaps with a path; without a slash at its end
    Material ca;                              // PEM; empty: the certificates of the system
    Material client_certificate, client_key;  // PEM; empty: none
    Material token;                           // empty: none
    bool operator==(const Access&) const = default;
};

// What one request needs.
struct Credentials {
    std::string ca, client_certificate, client_key, token;
};

// Reads the files. Called for each request, since tokens, and certificates, are replaced while the agent runs.
[[nodiscard]] Result<Credentials> read_credentials(const Access& access);

// The user and cluster of a context ("": current-context). `folder`: that of the file, since its paths are relative to
// it. What the agent cannot do (exec plugins, auth providers, passwords, ...) is an error that names the field.
[[nodiscard]] Result<Access> parse_kubeconfig(std::string_view text, std::string_view context,
                                              const std::filesystem::path& folder);

// parse_kubeconfig() of a file.
[[nodiscard]] Result<Access> read_kubeconfig(const std::filesystem::path& file, std::string_view context);

// What a pod is given: the address by environment variables, token and CA in `folder`.
inline constexpr const char* kServiceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";
using Environment = std::function<std::optional<std::string>(const std::string& name)>;
[[nodiscard]] Result<Access> in_cluster_access(const Environment& environment,
                                               const std::filesystem::path& folder = kServiceAccountFolder);

// The namespace of this pod; nothing outside of one.
[[nodiscard]] std::optional<std::string> in_cluster_namespace(
    const std::filesystem::path& folder = kServiceAccountFolder);

}  // namespace slipgate::kube
