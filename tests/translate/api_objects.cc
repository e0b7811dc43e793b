// SPDX-License-Identifier: Apache-2.0
#include "tests/translate/api_objects.h"

#include <set>
#include <stdexcept>

#include "agent/source/file/yaml.h"
#include "agent/source/kube/objects.h"

namespace slipgate::golden {
namespace {

using nlohmann::json;

bool is_cluster_scoped(const std::string& kind) {
    return kind == "GatewayClass" || kind == "Namespace" || kind == "Node" || kind == "ServiceCIDR";
}

json namespace_named(const std::string& name) {
    return {{"metadata", {{"name", name}, {"generation", 1}, {"labels", {{"kubernetes.io/metadata.name", name}}}}}};
}

}  // namespace

LoadedSnapshot load_api_objects(const std::string& text) {
    const auto documents = parse_yaml(text);
    if (!documents) throw std::runtime_error(documents.error().message);
    kube::Objects objects;
    std::set<std::string> written, used;  // namespaces
    for (const auto& document : *documents) {
        json object = document.value();
        const auto kind = object.at("kind").get<std::string>();
        const auto api = object.at("apiVersion").get<std::string>();
        auto& metadata = object.at("metadata");
        if (!metadata.contains("generation")) metadata["generation"] = 1;
        if (!is_cluster_scoped(kind)) used.insert(metadata.emplace("namespace", "default").first->get<std::string>());
        if (kind == "Namespace") written.insert(metadata.at("name"));
        for (const auto* field : {"apiVersion", "kind"}) object.erase(field);  // as in a list
        objects.put(kube::resource_of(kind), api.substr(api.find('/') + 1), std::move(object));
    }
    for (const auto& name : used) {
        if (!written.contains(name)) objects.put(kube::resource_of("Namespace"), "v1", namespace_named(name));
    }
    return objects.snapshot();
}

}  // namespace slipgate::golden
