// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
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
    std::uint64_t uid = 0;  // as in ObjectMeta
    std::string status;     // JSON, which is a fraction of what it takes when it is parsed; empty: none
};

// One that the API server takes and the agent does not.
struct UnsupportedObject {
    Object object;    // what could be read of it
    std::string why;  // fields and reasons
};

enum class Told { kByList, kByWatch };

// Of all kinds with Resource::has_our_status; other kinds are passed over.
class StoredObjects {
  public:
    // What a list or a watch tells. A watch may tell what is older than an answer before it, which is passed over;
    // after a list all is as the list says, whose versions are lower where an earlier state was restored.
    // `unsupported`: none if the agent takes the object.
    void put(const Resource& resource, std::string_view version, const nlohmann::json& document, Told by,
             std::optional<UnsupportedObject> unsupported = {});
    // What the answer to a request tells of an object that is still there. Our own doing is no change. `asked`: the
    // resource version that was known when it was asked for; a watch may have told a later one since.
    void learn(const ObjectKey& key, const nlohmann::json& document, std::string_view asked);
    void erase(const Resource& resource, const std::string& key);
    void retain(const Resource& resource, const std::set<std::string>& keys);  // erases the others

    [[nodiscard]] const StoredObject* find(const ObjectKey& key) const;  // null: it is not there
    [[nodiscard]] const std::map<ObjectKey, StoredObject>& all() const { return objects_; }

    [[nodiscard]] const std::map<ObjectKey, UnsupportedObject>& unsupported() const { return unsupported_; }

    // Those whose status, generation, version of the API or support is another one since the last call.
    [[nodiscard]] std::set<ObjectKey> take_changed() { return std::exchange(changed_, {}); }

  private:
    bool set_unsupported(const ObjectKey& key, std::optional<UnsupportedObject> unsupported);

    std::map<ObjectKey, StoredObject> objects_;
    std::map<ObjectKey, UnsupportedObject> unsupported_;
    std::set<ObjectKey> changed_;
};

}  // namespace slipgate::kube
