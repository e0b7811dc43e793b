// SPDX-License-Identifier: Apache-2.0
// The kinds that are listed and watched: one row each.
#pragma once

#include <set>
#include <span>
#include <string>
#include <string_view>

#include "agent/model/objects.h"

namespace slipgate::kube {

// The objects of one kind inside of a snapshot. Each function tells whether it changed something.
struct Collection {
    bool (*put)(Snapshot& snapshot, Object object);
    bool (*erase)(Snapshot& snapshot, const std::string& key);
    bool (*retain)(Snapshot& snapshot, const std::set<std::string>& keys);  // erases the others
};

struct Resource {
    std::string_view group;   // "" is core
    std::string_view plural;  // as in URLs and RBAC rules
    std::string_view kind;
    std::span<const std::string_view> versions;  // those the model reads, best first
    int page_size;                               // objects that are asked for at a time
    bool has_our_status;                         // the agent writes its status
    bool metadata_only;                          // nothing else is asked for
    std::string_view where_missing;              // what an administrator can do where it is not served
    Collection objects;

    // Of each API server, in its only version.
    [[nodiscard]] bool is_always_served() const { return where_missing.empty(); }
};

[[nodiscard]] std::span<const Resource> resources();

// The row of a kind that there is.
[[nodiscard]] const Resource& resource_of(std::string_view kind);

// Where the API server lists its groups with their versions; core is none of them.
inline constexpr const char* kGroupsPath = "/apis";

// "/apis/discovery.k8s.io/v1", "/api/v1": where the API server tells what it serves of a version.
[[nodiscard]] std::string discovery_path(const Resource& resource, std::string_view version);

// "/apis/discovery.k8s.io/v1/endpointslices": the objects of all namespaces.
[[nodiscard]] std::string collection_path(const Resource& resource, std::string_view version);

// "/apis/gateway.networking.k8s.io/v1/namespaces/shop/gateways/edge": one object. `key`: key_of().
[[nodiscard]] std::string object_path(const Resource& resource, std::string_view version, std::string_view key);

}  // namespace slipgate::kube
