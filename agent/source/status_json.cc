// SPDX-License-Identifier: Apache-2.0
#include "agent/source/status_json.h"

#include "agent/base/text.h"
#include "agent/model/formats.h"

namespace slipgate {
namespace {

constexpr std::size_t kLongestMessage = 32768;  // metav1.Condition

StatusJson to_json(const ListenerStatus& listener) {
    auto kinds = StatusJson::array();
    for (const auto& kind : listener.supported_kinds)
        kinds.push_back(StatusJson{{"group", kind.group}, {"kind", kind.kind}});
    return {{"name", listener.name},
            {"supportedKinds", kinds},
            {"attachedRoutes", listener.attached_routes},
            {"conditions", to_json(listener.conditions)}};
}

StatusJson to_json(const std::vector<ListenerStatus>& listeners) {
    auto list = StatusJson::array();
    for (const auto& listener : listeners) list.push_back(to_json(listener));
    return list;
}

}  // namespace

StatusJson to_json(const std::vector<Condition>& conditions) {
    auto list = StatusJson::array();
    for (const auto& condition : conditions) {
        list.push_back({{"type", condition.type},
                        {"status", condition.status},
                        {"reason", condition.reason},
                        {"message", clipped(condition.message, kLongestMessage)},
                        {"observedGeneration", condition.observed_generation}});
    }
    return list;
}

StatusJson to_json(const ParentReference& parent) {
    StatusJson result = {{"group", parent.group}, {"kind", parent.kind}};
    if (parent.namespace_) result["namespace"] = *parent.namespace_;
    result["name"] = parent.name;
    if (parent.section_name) result["sectionName"] = *parent.section_name;
    if (parent.port) result["port"] = *parent.port;
    return result;
}

StatusJson to_json(const GatewayClassStatus& status) {
    auto features = StatusJson::array();
    for (const auto& feature : status.supported_features) features.push_back(StatusJson{{"name", feature}});
    return {{"conditions", to_json(status.conditions)}, {"supportedFeatures", features}};
}

StatusJson to_json(const GatewayStatus& status) {
    auto addresses = StatusJson::array();
    for (const auto& address : status.addresses) {
        addresses.push_back(StatusJson{{"type", address.type}, {"value", address.value}});
    }
    return {{"addresses", addresses},
            {"attachedListenerSets", status.attached_listener_sets},
            {"conditions", to_json(status.conditions)},
            {"listeners", to_json(status.listeners)}};
}

StatusJson to_json(const ListenerSetStatus& status) {
    return {{"conditions", to_json(status.conditions)}, {"listeners", to_json(status.listeners)}};
}

StatusJson to_json(const TlsRouteStatus& status) {
    auto parents = StatusJson::array();
    for (const auto& parent : status.parents) {
        parents.push_back(StatusJson{{"parentRef", to_json(parent.parent_ref)},
                                     {"controllerName", parent.controller_name},
                                     {"conditions", to_json(parent.conditions)}});
    }
    return StatusJson{{"parents", parents}};
}

std::string transition_time(std::string_view status, const nlohmann::json& previous, std::string_view now) {
    if (!previous.is_object() || previous.value("status", nlohmann::json()) != std::string(status))
        return std::string(now);
    const auto since = previous.value("lastTransitionTime", nlohmann::json());
    const bool is_time = since.is_string() && is_timestamp(since.get_ref<const std::string&>());
    return is_time ? since.get<std::string>() : std::string(now);
}

}  // namespace slipgate
