// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/resource.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace slipgate::kube {
namespace {

using namespace std::string_view_literals;

template <auto kMember>
constexpr Collection collection() {
    using Map = std::remove_reference_t<decltype(std::declval<Snapshot&>().*kMember)>;
    using Typed = typename Map::mapped_type;
    return {
        [](Snapshot& snapshot, Object object) {
            auto& typed = std::get<Typed>(object);
            const auto key = key_of(typed.meta);
            return (snapshot.*kMember).put(key, std::move(typed));
        },
        [](Snapshot& snapshot, const std::string& key) { return (snapshot.*kMember).erase(key) > 0; },
        [](Snapshot& snapshot, const std::set<std::string>& keys) { return (snapshot.*kMember).retain(keys) > 0; },
    };
}

// Objects::put() is theirs alone: they are none of the model's.
constexpr Collection bundle_versions() {
    return {
        [](Snapshot& /*snapshot*/, Object /*object*/) { return false; },
        [](Snapshot& snapshot, const std::string& key) { return snapshot.bundle_versions.erase(key) > 0; },
        [](Snapshot& snapshot, const std::set<std::string>& keys) {
            const auto is_gone = [&](const auto& entry) { return !keys.contains(entry.first); };
            return std::erase_if(snapshot.bundle_versions, is_gone) > 0;
        },
    };
}

// As kubectl asks for. EndpointSlices are by far the largest: one may hold 1000 endpoints.
constexpr int kPage = 500, kPageOfSlices = 50;

constexpr std::array kV1 = {"v1"sv};
constexpr std::array kV1AndBeta = {"v1"sv, "v1beta1"sv};
constexpr std::array kTlsRouteVersions = {"v1"sv, "v1alpha3"sv, "v1alpha2"sv};

constexpr std::string_view kDefine = "is its CustomResourceDefinition installed?";
constexpr std::string_view kGiveNetworks = "--service-cidr is to name the networks of Services";

constexpr std::array kResources = {
    Resource{kGatewayGroup, "gatewayclasses", "GatewayClass", kV1AndBeta, kPage, true, false, kDefine,
             collection<&Snapshot::gateway_classes>()},
    Resource{kGatewayGroup, "gateways", "Gateway", kV1AndBeta, kPage, true, false, kDefine,
             collection<&Snapshot::gateways>()},
    Resource{kGatewayGroup, "listenersets", "ListenerSet", kV1, kPage, true, false, kDefine,
             collection<&Snapshot::listener_sets>()},
    Resource{kGatewayGroup, "tlsroutes", "TLSRoute", kTlsRouteVersions, kPage, true, false, kDefine,
             collection<&Snapshot::tls_routes>()},
    Resource{kGatewayGroup, "referencegrants", "ReferenceGrant", kV1AndBeta, kPage, false, false, kDefine,
             collection<&Snapshot::reference_grants>()},
    Resource{"", "namespaces", "Namespace", kV1, kPage, false, false, {}, collection<&Snapshot::namespaces>()},
    Resource{"", "nodes", "Node", kV1, kPage, false, false, {}, collection<&Snapshot::nodes>()},
    Resource{"", "services", "Service", kV1, kPage, false, false, {}, collection<&Snapshot::services>()},
    // From Kubernetes 1.33 on.
    Resource{"networking.k8s.io", "servicecidrs", "ServiceCIDR", kV1, kPage, false, false, kGiveNetworks,
             collection<&Snapshot::service_cidrs>()},
    Resource{"apiextensions.k8s.io",
             "customresourcedefinitions",
             "CustomResourceDefinition",
             kV1,
             kPage,
             false,
             true,
             {},
             bundle_versions()},
    Resource{"discovery.k8s.io",
             "endpointslices",
             "EndpointSlice",
             kV1,
             kPageOfSlices,
             false,
             false,
             {},
             collection<&Snapshot::endpoint_slices>()},
};

}  // namespace

std::span<const Resource> resources() {
    return kResources;
}

const Resource& resource_of(std::string_view kind) {
    return *std::find_if(kResources.begin(), kResources.end(), [&](const Resource& r) { return r.kind == kind; });
}

std::string discovery_path(const Resource& resource, std::string_view version) {
    return resource.group.empty() ? fmt::format("/api/{}", version)
                                  : fmt::format("/apis/{}/{}", resource.group, version);
}

std::string collection_path(const Resource& resource, std::string_view version) {
    return fmt::format("{}/{}", discovery_path(resource, version), resource.plural);
}

std::string object_path(const Resource& resource, std::string_view version, std::string_view key) {
    const auto slash = key.find('/');
    const auto base = discovery_path(resource, version);
    if (slash == key.npos) return fmt::format("{}/{}/{}", base, resource.plural, key);
    return fmt::format("{}/namespaces/{}/{}/{}", base, key.substr(0, slash), resource.plural, key.substr(slash + 1));
}

}  // namespace slipgate::kube
