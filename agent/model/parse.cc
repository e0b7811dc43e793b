// SPDX-License-Identifier: Apache-2.0
#include "agent/model/parse.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "agent/base/edit_distance.h"
#include "agent/base/fnv1a.h"
#include "agent/model/parse_kinds.h"

namespace slipgate {
namespace {

using namespace std::string_view_literals;

constexpr std::array kSpecFields = {"apiVersion"sv, "kind"sv, "metadata"sv, "spec"sv, "status"sv};
constexpr std::array kGrantFields = {"apiVersion"sv, "kind"sv, "metadata"sv, "spec"sv};
constexpr std::array kSliceFields = {"apiVersion"sv, "kind"sv, "metadata"sv, "addressType"sv, "endpoints"sv, "ports"sv};
constexpr std::array kMetadataFields = {"name"sv,       "generateName"sv,      "namespace"sv,
                                        "labels"sv,     "annotations"sv,       "creationTimestamp"sv,
                                        "uid"sv,        "resourceVersion"sv,   "generation"sv,
                                        "finalizers"sv, "managedFields"sv,     "ownerReferences"sv,
                                        "selfLink"sv,   "deletionTimestamp"sv, "deletionGracePeriodSeconds"sv};

constexpr std::array kV1 = {"v1"sv};
constexpr std::array kV1AndBeta = {"v1"sv, "v1beta1"sv};
constexpr std::array kTlsRouteVersions = {"v1"sv, "v1alpha3"sv, "v1alpha2"sv};

struct Kind {
    std::string_view group;
    std::string_view name;
    FieldNames versions;
    FieldNames fields;
    bool namespaced;
    Format object_name;
    Object (*parse)(const ObjectReader& root, ObjectMeta meta);
};

constexpr std::array kKinds = {
    Kind{kGatewayGroup, "GatewayClass", kV1AndBeta, kSpecFields, false, kDnsSubdomain, parse_gateway_class},
    Kind{kGatewayGroup, "Gateway", kV1AndBeta, kSpecFields, true, kDnsSubdomain, parse_gateway},
    Kind{kGatewayGroup, "ListenerSet", kV1, kSpecFields, true, kDnsSubdomain, parse_listener_set},
    Kind{kGatewayGroup, "TLSRoute", kTlsRouteVersions, kSpecFields, true, kDnsSubdomain, parse_tls_route},
    Kind{kGatewayGroup, "ReferenceGrant", kV1AndBeta, kGrantFields, true, kDnsSubdomain, parse_reference_grant},
    Kind{"", "Service", kV1, kSpecFields, true, kDnsLabel, parse_service},
    Kind{"discovery.k8s.io", "EndpointSlice", kV1, kSliceFields, true, kDnsSubdomain, parse_endpoint_slice},
    Kind{"", "Namespace", kV1, kSpecFields, false, kDnsLabel, parse_namespace},
    Kind{"", "Node", kV1, kSpecFields, false, kDnsSubdomain, parse_node},
    Kind{"networking.k8s.io", "ServiceCIDR", kV1, kSpecFields, false, kDnsSubdomain, parse_service_cidr},
};

struct GroupVersion {
    std::string_view group, version;
};

GroupVersion split(std::string_view api_version) {
    const auto slash = api_version.find('/');
    if (slash == api_version.npos) return {"", api_version};
    return {api_version.substr(0, slash), api_version.substr(slash + 1)};
}

const Kind* find_kind(std::string_view group, std::string_view name) {
    const auto* found = std::find_if(kKinds.begin(), kKinds.end(),
                                     [&](const Kind& kind) { return kind.group == group && kind.name == name; });
    return found == kKinds.end() ? nullptr : found;
}

void check_version(const Kind& kind, std::string_view version, const ObjectReader& root, Problems& problems) {
    const auto served = kind.versions;
    if (std::find(served.begin(), served.end(), version) == served.end()) {
        root.error("apiVersion", fmt::format("Unsupported value: \"{}\": supported versions of {}: {}",
                                             fmt::format("{}{}{}", kind.group, kind.group.empty() ? "" : "/", version),
                                             kind.name, fmt::join(served, ", ")));
    } else if (version.find("alpha") != version.npos) {
        problems.push_back(
            {Severity::info, "apiVersion", fmt::format("{} is read like {}, its successor", version, served.front())});
    }
}

ObjectMeta parse_metadata(const Kind& kind, const ObjectReader& root) {
    ObjectMeta meta;
    if (kind.namespaced) meta.namespace_ = "default";
    const auto metadata = root.object("metadata", kMetadataFields, Presence::required);
    if (!metadata) return meta;
    meta.name = metadata->required_text("name", kind.object_name);
    const auto space = metadata->text("namespace", kDnsLabel);
    if (kind.namespaced && space) meta.namespace_ = *space;
    if (!space && metadata->has("namespace")) meta.name.clear();  // nobody knows which object is meant
    meta.labels = metadata->text_map("labels", {}, kQualifiedName, kLabelValue);
    meta.annotations = metadata->text_map("annotations", {}, kAnyText, kAnyText);
    if (const auto created = metadata->text("creationTimestamp", kTimestamp))
        meta.creation_timestamp = parse_timestamp(*created);
    if (const auto uid = metadata->text("uid", kAnyText)) meta.uid = fnv1a(*uid);
    meta.generation = metadata->integer("generation", {0, std::numeric_limits<std::int64_t>::max()}).value_or(0);
    return meta;
}

void settle_admission(Problems& problems, Stored stored) {
    for (auto& problem : problems) {
        if (problem.severity == Severity::admission)
            problem.severity = stored == Stored::yes ? Severity::warning : Severity::error;
    }
}

}  // namespace

std::string ObjectId::to_string() const {
    const auto key = namespace_.empty() ? name : namespace_ + "/" + name;
    return fmt::format("{} {}", kind, key);
}

bool reads_kind(std::string_view api_version, std::string_view kind) {
    return find_kind(split(api_version).group, kind) != nullptr;
}

bool is_known_kind(std::string_view api_version, std::string_view kind) {
    constexpr std::array kUnread = {"BackendTLSPolicy"sv, "GRPCRoute"sv, "HTTPRoute"sv, "TCPRoute"sv, "UDPRoute"sv};
    return split(api_version).group != kGatewayGroup || reads_kind(api_version, kind) ||
           std::find(kUnread.begin(), kUnread.end(), kind) != kUnread.end();
}

std::string_view nearest_kind(std::string_view api_version, std::string_view kind) {
    const auto misspelt = std::min<std::size_t>(2, kind.size() / 3);  // a Pod is no Node
    const auto group = split(api_version).group;
    if (group == kGatewayGroup && is_known_kind(api_version, kind)) return {};
    std::string_view nearest;
    auto least = misspelt + 1;
    for (const auto& known : kKinds) {
        const auto distance = edit_distance(kind, known.name);
        if (known.group != group || distance >= least) continue;
        least = distance;
        nearest = known.name;
    }
    return nearest;
}

ParseOutcome parse_object(const nlohmann::json& document, Stored stored) {
    ParseOutcome outcome;
    outcome.id.api_version = document.at("apiVersion").get<std::string>();
    outcome.id.kind = document.at("kind").get<std::string>();
    const auto [group, version] = split(outcome.id.api_version);
    const auto* kind = find_kind(group, outcome.id.kind);
    const ObjectReader root(document, "", outcome.problems, kind->fields);
    check_version(*kind, version, root, outcome.problems);
    auto meta = parse_metadata(*kind, root);
    outcome.id.namespace_ = meta.namespace_;
    outcome.id.name = meta.name;
    auto object = kind->parse(root, std::move(meta));
    settle_admission(outcome.problems, stored);
    (has_errors(outcome.problems) ? outcome.refused : outcome.object) = std::move(object);
    return outcome;
}

}  // namespace slipgate
