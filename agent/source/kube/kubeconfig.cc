// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "agent/source/file/folder.h"
#include "agent/source/file/yaml.h"
#include "agent/source/kube/access.h"
#include "agent/source/kube/base64.h"

namespace slipgate::kube {
namespace {

using nlohmann::json;

// One of the three lists of a kubeconfig: [{name: N, WHAT: {...}}].
struct List {
    const char* key;
    const char* what;
};
constexpr List kContexts{"contexts", "context"}, kClusters{"clusters", "cluster"}, kUsers{"users", "user"};

struct Unsupported {
    const char* field;
    const char* advice;
};
constexpr std::array kUnsupportedOfUsers = {
    Unsupported{"exec",
                "the agent starts no programs: give a token, a tokenFile or a client certificate, such as the "
                "token of a ServiceAccount"},
    Unsupported{"auth-provider", "give a token, a tokenFile or a client certificate"},
    Unsupported{"username",
                "API servers take no passwords since Kubernetes 1.19: give a token or a client certificate"},
    Unsupported{"as", "the agent does not impersonate: give credentials of its own"},
};
constexpr std::array kUnsupportedOfClusters = {
    Unsupported{"insecure-skip-tls-verify", "the agent always verifies: give a certificate-authority"},
    Unsupported{"tls-server-name", "give the server by a name that its certificate holds"},
    Unsupported{"proxy-url", "the agent connects directly"},
};

// An object of the kubeconfig and how to call it in errors.
struct Part {
    json value;
    std::string name;  // "user \"admin\""

    [[nodiscard]] Result<std::string> text(const char* key) const {
        const auto found = value.find(key);
        if (found == value.end() || found->is_null()) return std::string();
        if (!found->is_string()) return fail(fmt::format("{}: {}: must be a string", name, key));
        return found->get<std::string>();
    }

    template <std::size_t N>
    [[nodiscard]] Status refuse(const std::array<Unsupported, N>& fields) const {
        for (const auto& [field, advice] : fields) {
            const auto found = value.find(field);
            if (found == value.end() || found->is_null() || *found == false || *found == "") continue;
            return fail(fmt::format("{}: {} is not supported: {}", name, field, advice));
        }
        return {};
    }
};

Result<Part> find(const json& config, const List& list, const std::string& name) {
    const auto entries = config.find(list.key);
    if (entries != config.end() && entries->is_array()) {
        for (const auto& entry : *entries) {
            if (!entry.is_object() || entry.value("name", json()) != name) continue;
            auto value = entry.value(list.what, json());
            if (value.is_object()) return Part{std::move(value), fmt::format("{} \"{}\"", list.what, name)};
        }
    }
    return fail(fmt::format("{}: there is none of name \"{}\"", list.key, name));
}

// KEY-data, or KEY with the name of a file; the former wins, as in kubectl.
Status take_material(const Part& part, const std::string& key, const std::filesystem::path& folder, Material& target) {
    const auto data = part.text((key + "-data").c_str());
    if (!data) return tl::unexpected(data.error());
    const auto file = part.text(key.c_str());
    if (!file) return tl::unexpected(file.error());
    if (!data->empty()) {
        auto text = decode_base64(*data);
        if (!text || text->empty()) return fail(fmt::format("{}: {}-data: is not base64", part.name, key));
        target.text = *std::move(text);
    } else if (!file->empty()) {
        target.file = folder / *file;
    }
    return {};
}

Status take_cluster(const Part& cluster, const std::filesystem::path& folder, Access& access) {
    if (auto s = cluster.refuse(kUnsupportedOfClusters); !s) return s;
    auto server = cluster.text("server");
    if (!server) return tl::unexpected(server.error());
    while (server->ends_with('/')) server->pop_back();
    if (!server->starts_with("https://") && !server->starts_with("http://"))
        return fail(fmt::format("{}: server: must be a URL such as https://192.0.2.1:6443", cluster.name));
    access.server = *std::move(server);
    return take_material(cluster, "certificate-authority", folder, access.ca);
}

Status take_user(const Part& user, const std::filesystem::path& folder, Access& access) {
    if (auto s = user.refuse(kUnsupportedOfUsers); !s) return s;
    if (auto s = take_material(user, "client-certificate", folder, access.client_certificate); !s) return s;
    if (auto s = take_material(user, "client-key", folder, access.client_key); !s) return s;
    if (access.client_certificate.empty() != access.client_key.empty())
        return fail(user.name + ": client-certificate and client-key must be given together");
    auto token = user.text("token");
    if (!token) return tl::unexpected(token.error());
    const auto file = user.text("tokenFile");
    if (!file) return tl::unexpected(file.error());
    // client-go: the file wins, and the token stands in until it is read; here the file must be readable.
    if (!file->empty())
        access.token.file = folder / *file;
    else
        access.token.text = *std::move(token);
    return {};
}

Result<Access> interpret(const json& config, std::string_view context, const std::filesystem::path& folder) {
    if (!config.is_object()) return fail("this is no kubeconfig: it must be a map");
    const Part root{config, "kubeconfig"};
    auto name = context.empty() ? root.text("current-context") : Result<std::string>(context);
    if (!name) return tl::unexpected(name.error());
    if (name->empty()) return fail("current-context: is not set: name a context");
    const auto chosen = find(config, kContexts, *name);
    if (!chosen) return tl::unexpected(chosen.error());
    const auto cluster_name = chosen->text("cluster");
    const auto user_name = chosen->text("user");
    if (!cluster_name) return tl::unexpected(cluster_name.error());
    if (!user_name) return tl::unexpected(user_name.error());
    Access access;
    const auto cluster = find(config, kClusters, *cluster_name);
    if (!cluster) return fail(cluster.error(), chosen->name);
    if (auto s = take_cluster(*cluster, folder, access); !s) return tl::unexpected(s.error());
    if (user_name->empty()) return access;  // anonymous, as with `kubectl proxy`
    const auto user = find(config, kUsers, *user_name);
    if (!user) return fail(user.error(), chosen->name);
    if (auto s = take_user(*user, folder, access); !s) return tl::unexpected(s.error());
    return access;
}

}  // namespace

Result<Access> parse_kubeconfig(std::string_view text, std::string_view context, const std::filesystem::path& folder) {
    const auto documents = parse_yaml(text);
    if (!documents) return fail(fmt::format("line {}: {}", documents.error().line, documents.error().message));
    if (documents->size() != 1) return fail("this is no kubeconfig: it must be one YAML document");
    return interpret(documents->front().value(), context, folder);
}

Result<Access> read_kubeconfig(const std::filesystem::path& file, std::string_view context) {
    const auto text = read_file(file.string());
    if (!text) return tl::unexpected(text.error());
    auto access = parse_kubeconfig(*text, context, file.parent_path());
    if (!access) return fail(access.error(), file.string());
    return access;
}

}  // namespace slipgate::kube
