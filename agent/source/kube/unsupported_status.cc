// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/unsupported_status.h"

#include "agent/model/controller.h"
#include "agent/model/supported_version.h"
#include "agent/source/kube/unserved.h"

namespace slipgate::kube {
namespace {

class Unsupported {
  public:
    Unsupported(const UnsupportedObject& unsupported, const Statuses& statuses, const Snapshot& snapshot)
        : why_(unsupported.why), statuses_(statuses), snapshot_(snapshot) {}

    std::optional<WantedStatus> operator()(const GatewayClass& gateway_class) const {
        if (gateway_class.controller_name != kOurController) return {};
        const auto generation = gateway_class.meta.generation;
        return GatewayClassStatus{{{"Accepted", "False", "Unsupported", why_, generation},
                                   supported_version(snapshot_.bundle_versions, generation)},
                                  {}};
    }

    std::optional<WantedStatus> operator()(const Gateway& gateway) const {
        if (!statuses_.gateway_classes.contains(gateway.gateway_class_name)) return {};
        return unserved(gateway, kInvalid, why_);
    }

    std::optional<WantedStatus> operator()(const ListenerSet& set) const {
        if (!is_ours(set.parent_ref, set.meta)) return {};
        return unserved(set, kInvalid, why_);
    }

    std::optional<WantedStatus> operator()(const TlsRoute& route) const {
        TlsRouteStatus status;
        for (const auto& ref : route.parent_refs) {
            if (is_ours(ref, route.meta))
                status.parents.push_back(refused_entry(ref, "UnsupportedValue", why_, route.meta.generation));
        }
        if (status.parents.empty()) return {};
        return status;
    }

    // The agent writes no status of the other kinds.
    template <typename T>
    std::optional<WantedStatus> operator()(const T& /*object*/) const {
        return {};
    }

  private:
    template <typename Reference>
    [[nodiscard]] bool is_ours(const Reference& parent, const ObjectMeta& child) const {
        if (parent.group != kGatewayGroup) return false;
        const auto key = parent.namespace_.value_or(child.namespace_) + "/" + parent.name;
        if (parent.kind == "Gateway") return statuses_.gateways.contains(key);
        return parent.kind == "ListenerSet" && statuses_.listener_sets.contains(key);
    }

    const std::string& why_;
    const Statuses& statuses_;
    const Snapshot& snapshot_;
};

}  // namespace

std::optional<WantedStatus> unsupported_status(const UnsupportedObject& unsupported, const Statuses& statuses,
                                               const Snapshot& snapshot) {
    return std::visit(Unsupported(unsupported, statuses, snapshot), unsupported.object);
}

}  // namespace slipgate::kube
