// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/stored_objects.h"

#include <algorithm>

#include "agent/source/kube/message.h"

namespace slipgate::kube {
namespace {

// Resource versions grow, as decimal numbers of any length (KEP-5504). Of what is none, nothing is older.
bool is_older(std::string_view a, std::string_view b) {
    const auto is_number = [](std::string_view text) {
        return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    if (!is_number(a) || !is_number(b)) return false;
    return a.size() != b.size() ? a.size() < b.size() : a < b;
}

std::string status_of(const nlohmann::json& document) {
    const auto found = document.find("status");
    return found != document.end() && found->is_object() ? found->dump() : std::string();
}

}  // namespace

void StoredObjects::put(const Resource& resource, std::string_view version, const nlohmann::json& document) {
    const auto* const metadata = metadata_of(document);
    if (!resource.has_our_status || metadata == nullptr) return;
    ObjectKey key{&resource, key_of(document)};
    StoredObject next{version, text_of(*metadata, "resourceVersion"), generation_of(document), status_of(document)};
    auto& known = objects_[key];
    if (is_older(next.resource_version, known.resource_version)) return;
    if (next.status != known.status || next.generation != known.generation) changed_.insert(std::move(key));
    known = std::move(next);
}

void StoredObjects::erase(const Resource& resource, const std::string& key) {
    objects_.erase({&resource, key});
}

void StoredObjects::retain(const Resource& resource, const std::set<std::string>& keys) {
    std::erase_if(objects_, [&](const auto& object) {
        return object.first.first == &resource && !keys.contains(object.first.second);
    });
}

const StoredObject* StoredObjects::find(const ObjectKey& key) const {
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : &found->second;
}

}  // namespace slipgate::kube
