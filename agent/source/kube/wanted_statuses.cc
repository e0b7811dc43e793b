// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/wanted_statuses.h"

#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "agent/model/controller.h"
#include "agent/source/kube/orphans.h"
#include "agent/source/kube/unsupported_parents.h"
#include "agent/source/kube/unsupported_status.h"

namespace slipgate::kube {
namespace {

// Of the object as it was when the status was made; 0: it does not say.
std::int64_t observed_generation(const WantedStatus& wanted) {
    const auto of = [](const std::vector<Condition>& conditions) {
        return conditions.empty() ? 0 : conditions.front().observed_generation;
    };
    if (const auto* route = std::get_if<TlsRouteStatus>(&wanted))
        return route->parents.empty() ? 0 : of(route->parents.front().conditions);
    return std::visit(
        [&](const auto& status) -> std::int64_t {
            if constexpr (requires { status.conditions; }) return of(status.conditions);
            return 0;
        },
        wanted);
}

template <typename Map>
std::optional<WantedStatus> find_in(const Map& statuses, const std::string& key) {
    const auto found = statuses.find(key);
    if (found == statuses.end()) return {};
    return found->second;
}

std::optional<WantedStatus> status_in(const Statuses& statuses, const ObjectKey& key) {
    const auto& [resource, name] = key;
    if (resource->kind == "GatewayClass") return find_in(statuses.gateway_classes, name);
    if (resource->kind == "Gateway") return find_in(statuses.gateways, name);
    if (resource->kind == "ListenerSet") return find_in(statuses.listener_sets, name);
    return find_in(statuses.tls_routes, name);
}

template <typename T>
const ObjectMeta* meta_in(const ObjectMap<T>& objects, const std::string& key) {
    const auto found = objects.find(key);
    return found == objects.end() ? nullptr : &found->second.meta;
}

}  // namespace

void WantedStatuses::update(const Statuses& of_supported, const Snapshot& snapshot, const Visit& visit) {
    const auto statuses =
        with_orphans(with_unsupported_parents(of_supported, snapshot, stored_.unsupported()), statuses_, snapshot);
    const auto visit_statuses = [&](std::string_view kind, const auto& before, const auto& after) {
        for_each_difference(before, after, [&](const std::string& key, const auto* old, const auto* now) {
            if (old == nullptr || now == nullptr || *old != *now) visit({&resource_of(kind), key}, Change::kStatus);
        });
    };
    visit_statuses("GatewayClass", statuses_.gateway_classes, statuses.gateway_classes);
    visit_statuses("Gateway", statuses_.gateways, statuses.gateways);
    visit_statuses("ListenerSet", statuses_.listener_sets, statuses.listener_sets);
    visit_statuses("TLSRoute", statuses_.tls_routes, statuses.tls_routes);
    const auto visit_objects = [&](std::string_view kind, const auto& before, const auto& after) {
        for_each_difference(before, after, [&](const std::string& key, const auto* /*old*/, const auto* /*now*/) {
            visit({&resource_of(kind), key}, Change::kObject);
        });
    };
    visit_objects("GatewayClass", snapshot_.gateway_classes, snapshot.gateway_classes);
    visit_objects("Gateway", snapshot_.gateways, snapshot.gateways);
    visit_objects("ListenerSet", snapshot_.listener_sets, snapshot.listener_sets);
    visit_objects("TLSRoute", snapshot_.tls_routes, snapshot.tls_routes);
    for (const auto& [key, object] : stored_.unsupported()) visit(key, Change::kObject);  // its class or parents
    statuses_ = statuses;
    snapshot_ = snapshot;
}

std::optional<WantedStatus> WantedStatuses::of(const ObjectKey& key, const StoredObject& object) const {
    const auto* const meta = judged(key);
    if (meta == nullptr || meta->uid != object.uid || meta->generation < object.generation) return {};
    const auto unsupported = stored_.unsupported().find(key);
    auto status = unsupported == stored_.unsupported().end()
                      ? status_in(statuses_, key)
                      : unsupported_status(unsupported->second, statuses_, snapshot_);
    if (status) {
        const auto observed = observed_generation(*status);
        if (observed != 0 && observed < object.generation) return {};
        return status;
    }
    // Our entries have to go when the route, as it is now, is none of ours.
    const bool has_ours = object.status.find(kOurController) != std::string::npos;
    if (key.first->kind == "TLSRoute" && has_ours) return TlsRouteStatus{};
    return {};
}

// The object that the wanted status is about; null: it is not known yet.
const ObjectMeta* WantedStatuses::judged(const ObjectKey& key) const {
    const auto unsupported = stored_.unsupported().find(key);
    if (unsupported != stored_.unsupported().end())
        return std::visit([](const auto& object) { return &object.meta; }, unsupported->second.object);
    const auto& [resource, name] = key;
    if (resource->kind == "GatewayClass") return meta_in(snapshot_.gateway_classes, name);
    if (resource->kind == "Gateway") return meta_in(snapshot_.gateways, name);
    if (resource->kind == "ListenerSet") return meta_in(snapshot_.listener_sets, name);
    return meta_in(snapshot_.tls_routes, name);
}

}  // namespace slipgate::kube
