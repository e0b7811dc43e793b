// SPDX-License-Identifier: Apache-2.0
#include "agent/source/file/status_document.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>

#include "agent/base/fnv1a.h"
#include "agent/source/status_json.h"

namespace slipgate {
namespace {

using Json = StatusJson;

constexpr std::size_t kMaxFileName = 240;  // NAME_MAX less what a temporary name adds

Json document(const ObjectId& id, std::int64_t generation, Json status) {
    Json metadata = {{"name", id.name}};
    if (!id.namespace_.empty()) metadata["namespace"] = id.namespace_;
    if (generation > 0) metadata["generation"] = generation;
    return {{"apiVersion", id.api_version}, {"kind", id.kind}, {"metadata", metadata}, {"status", std::move(status)}};
}

ObjectId id_of(std::string_view kind, const ObjectMeta& meta) {
    return {fmt::format("{}/v1", kGatewayGroup), std::string(kind), meta.namespace_, meta.name};
}

template <typename StatusOf, typename ObjectOf>
void add_statuses(StatusDocuments& documents, const std::string& kind, const ObjectMap<StatusOf>& statuses,
                  const ObjectMap<ObjectOf>& objects) {
    for (const auto& [key, status] : statuses) {
        const auto object = objects.find(key);
        if (object == objects.end()) continue;
        const auto& meta = object->second.meta;
        const auto id = id_of(kind, meta);
        documents[status_file_name(id)] = document(id, meta.generation, to_json(status));
    }
}

bool is_in(const Snapshot& snapshot, const ObjectId& id) {
    const ObjectMeta meta{
        .name = id.name, .namespace_ = id.namespace_, .labels = {}, .annotations = {}, .creation_timestamp = {}};
    const auto key = key_of(meta);
    if (id.kind == "GatewayClass") return snapshot.gateway_classes.contains(key);
    if (id.kind == "Gateway") return snapshot.gateways.contains(key);
    if (id.kind == "ListenerSet") return snapshot.listener_sets.contains(key);
    if (id.kind == "TLSRoute") return snapshot.tls_routes.contains(key);
    if (id.kind == "ReferenceGrant") return snapshot.reference_grants.contains(key);
    if (id.kind == "Service") return snapshot.services.contains(key);
    if (id.kind == "EndpointSlice") return snapshot.endpoint_slices.contains(key);
    if (id.kind == "Namespace") return snapshot.namespaces.contains(key);
    if (id.kind == "Node") return snapshot.nodes.contains(key);
    return id.kind == "ServiceCIDR" && snapshot.service_cidrs.contains(key);
}

// All problems of one object in one condition.
struct Complaint {
    const SourceProblem* first;
    bool refused = false;
    std::string message;
};

void add_problem(StatusDocuments& documents, const Complaint& complaint, const Snapshot& snapshot) {
    const auto& id = complaint.first->object;
    const auto generation = complaint.first->generation;
    Condition condition{"Accepted", "False", "Invalid", complaint.message, generation};
    if (is_in(snapshot, id)) {
        condition.type = "slipgate.dev/ManifestProblems";
        condition.status = "True";
        condition.reason = complaint.refused ? "Refused" : "Found";
    }
    auto& entry = documents[status_file_name(id)];
    if (entry.is_null()) entry = document(id, generation, Json::object());
    for (auto& item : to_json({condition})) entry["status"]["conditions"].push_back(item);
}

// The element of `list` that is `item` as it was before.
const nlohmann::json* previous_of(const nlohmann::json& list, const Json& item) {
    if (!list.is_array() || !item.is_object()) return nullptr;
    const auto* key = item.contains("type") ? "type" : item.contains("parentRef") ? "parentRef" : "name";
    if (!item.contains(key)) return nullptr;
    const nlohmann::json wanted = item.at(key);
    for (const auto& candidate : list) {
        if (candidate.is_object() && candidate.contains(key) && candidate.at(key) == wanted) return &candidate;
    }
    return nullptr;
}

}  // namespace

std::string status_file_name(const ObjectId& id) {
    auto name = id.kind;
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) { return std::tolower(c); });
    if (!id.namespace_.empty()) name += "_" + id.namespace_;
    name += "_" + id.name;
    if (name.size() > kMaxFileName) {
        const auto hash = fmt::format("~{:016x}", fnv1a(name));
        name = name.substr(0, kMaxFileName - hash.size()) + hash;
    }
    return name + ".yaml";
}

StatusDocuments status_documents(const Statuses& statuses, const Snapshot& snapshot,
                                 const std::vector<SourceProblem>& problems) {
    StatusDocuments documents;
    add_statuses(documents, "GatewayClass", statuses.gateway_classes, snapshot.gateway_classes);
    add_statuses(documents, "Gateway", statuses.gateways, snapshot.gateways);
    add_statuses(documents, "ListenerSet", statuses.listener_sets, snapshot.listener_sets);
    add_statuses(documents, "TLSRoute", statuses.tls_routes, snapshot.tls_routes);
    std::map<std::string, Complaint> complaints;
    for (const auto& problem : problems) {
        const auto& id = problem.object;
        if (problem.problem.severity < Severity::warning || id.name.empty()) continue;
        auto& complaint = complaints.try_emplace(id.to_string(), Complaint{&problem, false, {}}).first->second;
        complaint.refused |= problem.problem.severity == Severity::error;
        complaint.message += (complaint.message.empty() ? "" : "; ") + problem.to_string();
    }
    for (const auto& [id, complaint] : complaints) add_problem(documents, complaint, snapshot);
    return documents;
}

void keep_addresses(StatusDocuments& documents, const Snapshot& snapshot,
                    const std::map<std::string, nlohmann::json>& written) {
    const nlohmann::json::json_pointer addresses("/status/addresses");
    for (const auto& [key, gateway] : snapshot.gateways) {
        if (snapshot.gateway_classes.contains(gateway.gateway_class_name)) continue;
        const auto id = id_of("Gateway", gateway.meta);
        const auto known = written.find(status_file_name(id));
        if (known == written.end() || !known->second.contains(addresses)) continue;
        auto& entry = documents[known->first];
        if (entry.is_null()) entry = document(id, gateway.meta.generation, Json::object());
        entry["status"]["addresses"] = known->second.at(addresses);
    }
}

void set_transition_times(Json& next, const nlohmann::json& previous, std::string_view now) {
    if (next.is_array()) {
        for (auto& item : next) {
            const auto* match = previous_of(previous, item);
            set_transition_times(item, match == nullptr ? nlohmann::json() : *match, now);
        }
        return;
    }
    if (!next.is_object()) return;
    if (next.contains("type") && next.contains("status")) {
        next["lastTransitionTime"] = transition_time(next["status"].get<std::string>(), previous, now);
        return;
    }
    for (const auto& [key, value] : next.items()) {
        const auto found = previous.is_object() ? previous.find(key) : previous.end();
        set_transition_times(value, previous.is_object() && found != previous.end() ? *found : nlohmann::json(), now);
    }
}

}  // namespace slipgate
