// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/gateway_classes.h"

#include <string>

#include "agent/model/supported_version.h"

namespace slipgate {
namespace {

// Without an API server there are no definitions, and every kind.
bool has_kind(const Snapshot& snapshot, const char* plural) {
    const auto& definitions = snapshot.bundle_versions;
    return definitions.empty() || definitions.contains(std::string(plural) + "." + kGatewayGroup);
}

// What is true of Slipgate as it is set up, sorted. Conformance tests are chosen by this list.
std::vector<std::string> supported_features(const Snapshot& snapshot, const TranslateOptions& options,
                                            const AddressRules& rules) {
    constexpr std::uint16_t kPort8080 = 8080;
    // Without a pool a Gateway gets the node's own addresses, with the ports these lend.
    const bool has_pool = !options.address_pool.empty();
    const bool has_own = !rules.own().empty();
    const bool takes_addresses = !options.address_ranges || !options.address_ranges->empty();
    std::vector<std::string> features = {"Gateway"};
    if (has_pool || has_own) features.emplace_back("GatewayAddressEmpty");
    if (has_pool || (has_own && options.node_address_ports.contains(kPort8080)))
        features.emplace_back("GatewayPort8080");
    features.emplace_back("GatewayRouteHostnameIntersectionPrecedence");
    if (takes_addresses) features.emplace_back("GatewayStaticAddresses");
    if (has_kind(snapshot, "listenersets")) features.emplace_back("ListenerSet");
    if (has_kind(snapshot, "referencegrants")) features.emplace_back("ReferenceGrant");
    if (has_kind(snapshot, "tlsroutes")) features.emplace_back("TLSRoute");
    return features;
}

}  // namespace

Outcome accept_gateway_class(const GatewayClass& gateway_class) {
    if (gateway_class.has_parameters_ref) {
        return failed("InvalidParameters", "spec.parametersRef is not supported: Slipgate has no parameters resource");
    }
    return succeeded("Accepted", "Slipgate handles Gateways of this class");
}

GatewayClassStatus gateway_class_status(const GatewayClass& gateway_class, const Snapshot& snapshot,
                                        const TranslateOptions& options, const AddressRules& rules) {
    const auto generation = gateway_class.meta.generation;
    GatewayClassStatus status;
    status.conditions.push_back(make_condition("Accepted", accept_gateway_class(gateway_class), generation));
    status.conditions.push_back(supported_version(snapshot.bundle_versions, generation));
    status.supported_features = supported_features(snapshot, options, rules);
    return status;
}

}  // namespace slipgate
