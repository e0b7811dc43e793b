// SPDX-License-Identifier: Apache-2.0
#include "agent/app/source.h"

#include <cstdlib>

#include "agent/app/node_name.h"
#include "agent/source/file/file_source.h"
#include "agent/source/kube/kube_source.h"

namespace slipgate {
namespace {

std::optional<std::string> environment_variable(const std::string& name) {
    const char* const value = std::getenv(name.c_str());
    if (value == nullptr) return {};
    return value;
}

// That of the pod; outside of one, that of k8s/base.
std::string lease_namespace(const Config& config) {
    if (!config.lease_namespace.empty()) return config.lease_namespace;
    const auto own = config.kubeconfig.empty() ? kube::in_cluster_namespace() : std::nullopt;
    return own.value_or("slipgate-system");
}

Result<kube::Access> api_server(const Config& config) {
    if (config.kubeconfig.empty()) return kube::in_cluster_access(environment_variable);
    auto access = kube::read_kubeconfig(config.kubeconfig, config.context);
    if (!access) return fail(access.error(), "--kubeconfig");
    return access;
}

}  // namespace

Result<std::unique_ptr<Source>> open_source(const Config& config) {
    if (config.kubernetes) {
        const auto access = api_server(config);
        if (!access) return fail(access.error(), "follow an API server");
        auto source = kube::KubeSource::open(*access, kube::WriterOptions{lease_namespace(config), node_name(config)});
        if (!source) return fail(source.error(), "follow an API server");
        return *std::move(source);
    }
    auto source = FileSource::open(config.manifests);
    if (!source) return tl::unexpected(source.error());
    return std::make_unique<FileSource>(*std::move(source));
}

}  // namespace slipgate
