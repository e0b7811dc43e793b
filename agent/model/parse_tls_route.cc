// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <array>

#include "agent/base/address.h"
#include "agent/model/parse_kinds.h"

namespace slipgate {
namespace {

using namespace std::string_view_literals;

constexpr std::array kSpecFields = {"parentRefs"sv, "hostnames"sv, "rules"sv};
constexpr std::array kParentFields = {"group"sv, "kind"sv, "namespace"sv, "name"sv, "sectionName"sv, "port"sv};
constexpr std::array kRuleFields = {"name"sv, "backendRefs"sv};
constexpr std::array kBackendFields = {"group"sv, "kind"sv, "namespace"sv, "name"sv, "port"sv, "weight"sv};

constexpr Limits kExactlyOne{1, 1};
constexpr Range kWeightRange{0, 1'000'000};

ParentReference parse_parent(const ObjectReader& in) {
    ParentReference parent;
    parent.group = in.text("group", kGroup).value_or(parent.group);
    parent.kind = in.text("kind", kKind).value_or(parent.kind);
    parent.namespace_ = in.text("namespace", kDnsLabel);
    parent.name = in.required_text("name", kObjectName);
    parent.section_name = in.text("sectionName", kDnsSubdomain);
    parent.port = in.port("port");
    return parent;
}

// The port does not count in the standard channel's rules: two references that differ only in it are refused. The
// experimental channel takes them, as v1alpha2 takes an IP address for a hostname, so an API server may have both.
bool same_parent(const ParentReference& a, const ParentReference& b) {
    return a.group == b.group && a.kind == b.kind && a.name == b.name && a.namespace_ == b.namespace_;
}

bool only_one_names_section(const ParentReference& a, const ParentReference& b) {
    return same_parent(a, b) && a.section_name.has_value() != b.section_name.has_value();
}

bool same_section(const ParentReference& a, const ParentReference& b) {
    return same_parent(a, b) && a.section_name == b.section_name;
}

void check_parents(const ObjectReader& spec, const std::vector<ParentReference>& parents) {
    for (std::size_t i = 0; i < parents.size(); ++i) {
        const auto field = fmt::format("parentRefs[{}].sectionName", i);
        const auto section = parents[i].section_name.value_or("");
        if (first_equal(parents, i, only_one_names_section) != i) {
            spec.invalid_value(field, shown(section),
                               "sectionName must be specified when parentRefs includes 2 or more "
                               "references to the same parent");
        } else if (first_equal(parents, i, same_section) != i) {
            spec.invalid_value(field, shown(section),
                               "sectionName must be unique when parentRefs includes 2 or more "
                               "references to the same parent");
        }
    }
}

// isIP() of CEL: an IPv4 address has the form of a DNS name, an IPv6 address has not.
void check_hostnames(const ObjectReader& spec, const std::vector<std::string>& hostnames) {
    for (std::size_t i = 0; i < hostnames.size(); ++i) {
        if (!IpAddress::parse(hostnames[i])) continue;
        spec.invalid_value(fmt::format("hostnames[{}]", i), shown(hostnames[i]), "Hostnames cannot contain an IP");
    }
}

BackendRef parse_backend(const ObjectReader& in) {
    BackendRef backend;
    backend.group = in.text("group", kGroup).value_or("");
    backend.kind = in.text("kind", kKind).value_or(backend.kind);
    backend.namespace_ = in.text("namespace", kDnsLabel);
    backend.name = in.required_text("name", kObjectName);
    backend.port = in.port("port");
    backend.weight = static_cast<std::uint32_t>(in.integer("weight", kWeightRange).value_or(1));
    if (backend.group.empty() && backend.kind == "Service" && !in.has("port")) {
        in.error("port", "Required value: must have port for Service reference");
    }
    return backend;
}

}  // namespace

Object parse_tls_route(const ObjectReader& root, ObjectMeta meta) {
    TlsRoute route{.meta = std::move(meta), .parent_refs = {}, .hostnames = {}, .backend_refs = {}};
    const auto spec = root.object("spec", kSpecFields, Presence::required);
    if (!spec) return route;
    for (const auto& parent : spec->objects("parentRefs", {0, 32}, kParentFields)) {
        route.parent_refs.push_back(parse_parent(parent));
    }
    route.hostnames = spec->texts("hostnames", {1, 1024}, kHostname, Presence::required);
    for (const auto& rule : spec->objects("rules", kExactlyOne, kRuleFields, Presence::required)) {
        (void)rule.text("name", kDnsSubdomain);
        for (const auto& backend : rule.objects("backendRefs", {1, 16}, kBackendFields, Presence::required)) {
            route.backend_refs.push_back(parse_backend(backend));
        }
    }
    if (!spec->clean()) return route;
    check_parents(spec->for_admission(), route.parent_refs);
    check_hostnames(spec->for_admission(), route.hostnames);
    return route;
}

}  // namespace slipgate
