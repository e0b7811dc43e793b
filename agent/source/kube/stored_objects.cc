// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/stored_objects.h"

#include <algorithm>

#include "agent/base/fnv1a.h"
#include "agent/source/kube/message.h"

namespace slipgate::kube {
namespace {

using nlohmann::json;

// Resource versions grow, as decimal numbers of any length (KEP-5504). Of what is none, nothing is older.
bool is_older(std::string_view a, std::string_view b) {
    const auto is_number = [](std::string_view text) {
        return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
    };
    if (!is_number(a) || !is_number(b)) return false;
    return a.size() != b.size() ? a.size() < b.size() : a < b;
}

std::string status_of(const json& document) {
    const auto found = document.find("status");
    return found != document.end() && found->is_object() ? found->dump() : std::string();
}

StoredObject stored(std::string_view version, const json& document) {
    const auto* const metadata = metadata_of(document);
    StoredObject object{.version = version,
                        .resource_version = {},
                        .generation = generation_of(document),
                        .status = status_of(document)};
    if (metadata == nullptr) return object;
    object.resource_version = text_of(*metadata, "resourceVersion");
    if (const auto uid = text_of(*metadata, "uid"); !uid.empty()) object.uid = fnv1a(uid);
    return object;
}

}  // namespace

void StoredObjects::put(const Resource& resource, std::string_view version, const json& document, Told by,
                        std::optional<UnsupportedObject> unsupported) {
    if (!resource.has_our_status || metadata_of(document) == nullptr) return;
    const ObjectKey key{&resource, key_of(document)};
    auto next = stored(version, document);
    auto& known = objects_[key];
    if (by == Told::kByWatch && is_older(next.resource_version, known.resource_version)) return;
    const bool is_other = set_unsupported(key, std::move(unsupported));
    const bool is_elsewhere = next.version != known.version;  // a request to the version before was in vain
    if (is_other || is_elsewhere || next.status != known.status || next.generation != known.generation ||
        next.uid != known.uid)
        changed_.insert(key);
    known = std::move(next);
}

void StoredObjects::learn(const ObjectKey& key, const json& document, std::string_view asked) {
    const auto found = objects_.find(key);
    if (found == objects_.end()) return;
    auto& known = found->second;
    auto next = stored(known.version, document);
    if (known.resource_version == asked || !is_older(next.resource_version, known.resource_version))
        known = std::move(next);
}

void StoredObjects::erase(const Resource& resource, const std::string& key) {
    objects_.erase({&resource, key});
    unsupported_.erase({&resource, key});
}

void StoredObjects::retain(const Resource& resource, const std::set<std::string>& keys) {
    const auto is_gone = [&](const auto& entry) {
        return entry.first.first == &resource && !keys.contains(entry.first.second);
    };
    std::erase_if(objects_, is_gone);
    std::erase_if(unsupported_, is_gone);
}

// True: the reason is another one than before.
bool StoredObjects::set_unsupported(const ObjectKey& key, std::optional<UnsupportedObject> unsupported) {
    if (!unsupported) return unsupported_.erase(key) > 0;
    const auto [known, is_new] = unsupported_.try_emplace(key);
    const bool is_other = is_new || known->second.why != unsupported->why;
    known->second = *std::move(unsupported);
    return is_other;
}

const StoredObject* StoredObjects::find(const ObjectKey& key) const {
    const auto found = objects_.find(key);
    return found == objects_.end() ? nullptr : &found->second;
}

}  // namespace slipgate::kube
