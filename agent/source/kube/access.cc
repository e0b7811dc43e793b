// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/access.h"

#include <fmt/format.h>

#include "agent/source/file/folder.h"

namespace slipgate::kube {
namespace {

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view kBlank = " \t\r\n";
    const auto first = text.find_first_not_of(kBlank);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(kBlank) - first + 1);
}

Status read(const Material& material, std::string& target) {
    if (!material.text.empty() || material.file.empty()) {
        target = material.text;
        return {};
    }
    auto text = read_file(material.file.string());
    if (!text) return tl::unexpected(text.error());
    // Without it the request would go out with another trust, or as another user, than the one asked for.
    if (trimmed(*text).empty()) return fail(material.file.string() + " is empty");
    target = *std::move(text);
    return {};
}

}  // namespace

Result<Credentials> read_credentials(const Access& access) {
    Credentials credentials;
    if (auto s = read(access.ca, credentials.ca); !s) return fail(s.error(), "certificate authority");
    if (auto s = read(access.client_certificate, credentials.client_certificate); !s)
        return fail(s.error(), "client certificate");
    if (auto s = read(access.client_key, credentials.client_key); !s) return fail(s.error(), "client key");
    if (auto s = read(access.token, credentials.token); !s) return fail(s.error(), "token");
    credentials.token = trimmed(credentials.token);
    // It becomes a header line.
    for (const char c : credentials.token) {
        if (c <= ' ' || c > '~') return fail("token: must be printable ASCII without blanks");
    }
    return credentials;
}

std::optional<std::string> in_cluster_namespace(const std::filesystem::path& folder) {
    const auto text = read_file((folder / "namespace").string());
    if (!text || trimmed(*text).empty()) return {};
    return std::string(trimmed(*text));
}

Result<Access> in_cluster_access(const Environment& environment, const std::filesystem::path& folder) {
    const auto host = environment("KUBERNETES_SERVICE_HOST");
    const auto port = environment("KUBERNETES_SERVICE_PORT");
    if (!host || !port || host->empty() || port->empty()) {
        return fail(
            "KUBERNETES_SERVICE_HOST and KUBERNETES_SERVICE_PORT are not set, so this is no pod: give --kubeconfig");
    }
    const auto bracketed = host->find(':') == host->npos ? *host : fmt::format("[{}]", *host);
    Access access;
    access.server = fmt::format("https://{}:{}", bracketed, *port);
    access.ca.file = folder / "ca.crt";
    access.token.file = folder / "token";
    return access;
}

}  // namespace slipgate::kube
