// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/gateway_classes.h"

#include <algorithm>
#include <set>
#include <string_view>

namespace slipgate {
namespace {

// What is true of Slipgate today, sorted. Conformance tests are chosen by this list, so a name goes in together with
// the code that makes it true.
constexpr const char* kSupportedFeatures[] = {
    "Gateway",
    "GatewayAddressEmpty",
    "GatewayPort8080",
    "GatewayRouteHostnameIntersectionPrecedence",
    "GatewayStaticAddresses",
    "ListenerSet",
    "ReferenceGrant",
    "TLSRoute",
};

// Patch releases change no schema.
constexpr std::string_view kSupportedSeries = "v1.7.";

Outcome supported_version(const std::map<std::string, std::string>& bundle_versions) {
    std::set<std::string> versions;
    for (const auto& [name, version] : bundle_versions) versions.insert(version);
    const auto is_supported = [](const std::string& version) { return version.starts_with(kSupportedSeries); };
    if (std::all_of(versions.begin(), versions.end(), is_supported)) {
        return succeeded("SupportedVersion", std::string("Gateway API ") + kGatewayApiVersion + " is supported");
    }
    std::string found;
    for (const auto& version : versions) append(found, version.empty() ? "none" : version, ", ");
    return failed("UnsupportedVersion", "the Gateway API CRDs have bundle-version " + found + "; supported is " +
                                            kGatewayApiVersion + "; Slipgate goes on as well as it can");
}

}  // namespace

Outcome accept_gateway_class(const GatewayClass& gateway_class) {
    if (gateway_class.has_parameters_ref) {
        return failed("InvalidParameters", "spec.parametersRef is not supported: Slipgate has no parameters resource");
    }
    return succeeded("Accepted", "Slipgate handles Gateways of this class");
}

GatewayClassStatus gateway_class_status(const GatewayClass& gateway_class,
                                        const std::map<std::string, std::string>& bundle_versions) {
    const auto generation = gateway_class.meta.generation;
    GatewayClassStatus status;
    status.conditions.push_back(make_condition("Accepted", accept_gateway_class(gateway_class), generation));
    status.conditions.push_back(make_condition("SupportedVersion", supported_version(bundle_versions), generation));
    status.supported_features.assign(std::begin(kSupportedFeatures), std::end(kSupportedFeatures));
    return status;
}

}  // namespace slipgate
