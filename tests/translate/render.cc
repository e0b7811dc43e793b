// SPDX-License-Identifier: Apache-2.0
#include "tests/translate/render.h"

#include <fmt/format.h>
#include <yaml-cpp/yaml.h>

namespace slipgate::golden {
namespace {

using YAML::BeginMap;
using YAML::BeginSeq;
using YAML::EndMap;
using YAML::EndSeq;
using YAML::Flow;
using YAML::Key;
using YAML::Value;

template <typename T>
void put(YAML::Emitter& out, const char* key, const T& value) {
    out << Key << key << Value << value;
}

void put_table(YAML::Emitter& out, const RoutingTable& table) {
    out << BeginMap << Key << "vips" << Value << BeginMap;
    for (const auto& [address, vip] : table.vips) {
        out << Key << address.to_string() << Value << BeginMap;
        for (const auto& [name, route] : vip.names) put(out, name.c_str(), route ? *route : "(refused)");
        out << EndMap;
    }
    out << EndMap << Key << "routes" << Value << BeginMap;
    for (const auto& [key, route] : table.routes) {
        out << Key << key << Value << BeginSeq;
        for (const auto& share : route.backends) {
            out << Flow << BeginMap;
            put(out, "backend", share.backend ? *share.backend : "(refused)");
            put(out, "weight", share.weight);
            out << EndMap;
        }
        out << EndSeq;
    }
    out << EndMap << Key << "backends" << Value << BeginMap;
    for (const auto& [key, backend] : table.backends) {
        out << Key << key << Value << BeginSeq;
        for (const auto& endpoint : backend.endpoints) out << endpoint.to_string();
        out << EndSeq;
    }
    out << EndMap << EndMap;
}

// What is to be done on the host beside the table, where that is not nothing or the same.
void put_addresses(YAML::Emitter& out, const Translation& translation) {
    if (!translation.assigned.empty()) {
        out << Key << "assigned" << Value << BeginMap;
        for (const auto& [gateway, addresses] : translation.assigned) {
            out << Key << gateway << Value << Flow << BeginSeq;
            for (const auto& address : addresses) out << address.to_string();
            out << EndSeq;
        }
        out << EndMap;
    }
    if (!translation.to_configure.empty()) {
        out << Key << "toConfigure" << Value << Flow << BeginSeq;
        for (const auto& address : translation.to_configure) out << address.to_string();
        out << EndSeq;
    }
    std::set<SocketAddress> vips;
    for (const auto& [vip, entry] : translation.table.vips) vips.insert(vip);
    if (translation.to_listen_on != vips) {
        out << Key << "toListenOn" << Value << Flow << BeginSeq;
        for (const auto& vip : translation.to_listen_on) out << vip.to_string();
        out << EndSeq;
    }
}

void put_conditions(YAML::Emitter& out, const std::vector<Condition>& conditions) {
    out << Key << "conditions" << Value << BeginSeq;
    for (const auto& condition : conditions) {
        out << Flow << BeginMap;
        put(out, "type", condition.type);
        put(out, "status", condition.status);
        put(out, "reason", condition.reason);
        put(out, "observedGeneration", condition.observed_generation);
        put(out, "message", condition.message);
        out << EndMap;
    }
    out << EndSeq;
}

void put_status(YAML::Emitter& out, const GatewayClassStatus& status) {
    put_conditions(out, status.conditions);
    out << Key << "supportedFeatures" << Value << Flow << BeginSeq;
    for (const auto& feature : status.supported_features) out << feature;
    out << EndSeq;
}

void put_listeners(YAML::Emitter& out, const std::vector<ListenerStatus>& listeners) {
    out << Key << "listeners" << Value << BeginSeq;
    for (const auto& listener : listeners) {
        out << BeginMap;
        put(out, "name", listener.name);
        put(out, "attachedRoutes", listener.attached_routes);
        out << Key << "supportedKinds" << Value << Flow << BeginSeq;
        for (const auto& [group, kind] : listener.supported_kinds) out << fmt::format("{}.{}", kind, group);
        out << EndSeq;
        put_conditions(out, listener.conditions);
        out << EndMap;
    }
    out << EndSeq;
}

void put_status(YAML::Emitter& out, const GatewayStatus& status) {
    out << Key << "addresses" << Value << BeginSeq;
    for (const auto& [type, value] : status.addresses) {
        out << Flow << BeginMap;
        put(out, "type", type);
        put(out, "value", value);
        out << EndMap;
    }
    out << EndSeq;
    put(out, "attachedListenerSets", status.attached_listener_sets);
    put_conditions(out, status.conditions);
    put_listeners(out, status.listeners);
}

void put_status(YAML::Emitter& out, const ListenerSetStatus& status) {
    put_conditions(out, status.conditions);
    put_listeners(out, status.listeners);
}

void put_status(YAML::Emitter& out, const TlsRouteStatus& status) {
    out << Key << "parents" << Value << BeginSeq;
    for (const auto& parent : status.parents) {
        const auto& ref = parent.parent_ref;
        out << BeginMap << Key << "parentRef" << Value << Flow << BeginMap;
        put(out, "group", ref.group);
        put(out, "kind", ref.kind);
        if (ref.namespace_) put(out, "namespace", *ref.namespace_);
        put(out, "name", ref.name);
        if (ref.section_name) put(out, "sectionName", *ref.section_name);
        if (ref.port) put(out, "port", *ref.port);
        out << EndMap;
        put(out, "controllerName", parent.controller_name);
        put_conditions(out, parent.conditions);
        out << EndMap;
    }
    out << EndSeq;
}

template <typename StatusOfKind>
void put_statuses(YAML::Emitter& out, const char* kind, const ObjectMap<StatusOfKind>& statuses) {
    for (const auto& [key, status] : statuses) {
        out << Key << std::string(kind) + " " + key << Value << BeginMap;
        put_status(out, status);
        out << EndMap;
    }
}

}  // namespace

std::string render(const Translation& translation) {
    YAML::Emitter out;
    out << BeginMap << Key << "table" << Value;
    put_table(out, translation.table);
    put_addresses(out, translation);
    out << Key << "statuses" << Value << BeginMap;
    put_statuses(out, "GatewayClass", translation.statuses.gateway_classes);
    put_statuses(out, "Gateway", translation.statuses.gateways);
    put_statuses(out, "ListenerSet", translation.statuses.listener_sets);
    put_statuses(out, "TLSRoute", translation.statuses.tls_routes);
    out << EndMap << EndMap;
    return std::string(out.c_str()) + "\n";
}

}  // namespace slipgate::golden
