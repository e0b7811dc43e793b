// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "agent/source/kube/resource.h"

namespace slipgate::kube {

// An object of the API server: a row of resources(), so that they have an order, and its key_of().
using ObjectKey = std::pair<const Resource*, std::string>;

// What the API server has of an object whose status the agent writes.
struct StoredObject {
    std::string_view version;  // of its API
    std::string resource_version;
    std::int64_t generation = 0;
    std::string status;  // JSON, which is a fraction of what it takes when it is parsed; empty: none
};

// Of all kinds with Resource::has_our_status; other kinds are passed over.
class StoredObjects {
  public:
    // What a watch, or an answer to a write, tells may be older than what is known: then it is passed over.
    void put(const Resource& resource, std::string_view version, const nlohmann::json& document);
    void erase(const Resource& resource, const std::string& key);
    void retain(const Resource& resource, const std::set<std::string>& keys);  // erases the others

    [[nodiscard]] const StoredObject* find(const ObjectKey& key) const;  // null: it is not there
    [[nodiscard]] const std::map<ObjectKey, StoredObject>& all() const { return objects_; }

    // Those whose status or generation is another one since the last call.
    [[nodiscard]] std::set<ObjectKey> take_changed() { return std::exchange(changed_, {}); }

  private:
    std::map<ObjectKey, StoredObject> objects_;
    std::set<ObjectKey> changed_;
};

}  // namespace slipgate::kube
