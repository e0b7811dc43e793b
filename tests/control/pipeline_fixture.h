// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "agent/app/pipeline.h"

namespace slipgate {

inline constexpr std::string_view kManifests = R"(
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: slipgate}
spec: {controllerName: slipgate.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: gw, namespace: shop}
spec:
  gatewayClassName: slipgate
  addresses: [{type: IPAddress, value: 192.0.2.1}]
  listeners: [{name: tls, port: 443, protocol: TLS, tls: {mode: Passthrough}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: web, namespace: shop}
spec:
  parentRefs: [{name: gw}]
  hostnames: [shop.example.com]
  rules: [{backendRefs: [{name: web, port: 443}]}]
---
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {ports: [{port: 443}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
endpoints: [{addresses: [10.0.0.7]}]
ports: [{port: 8443}]
)";

// The pipeline between a text and sinks that remember, and fail when told to.
class PipelineTest : public testing::Test {
  protected:
    Pipeline make() {
        return {options_,
                {[this](const std::set<SocketAddress>& vips) {
                     listened_.push_back(vips);
                     return unavailable_of(vips);
                 },
                 [this]() -> Result<std::set<IpAddress>> { return of_host_; },
                 [this](const std::set<IpAddress>& addresses) {
                     configured_.push_back(addresses);
                     return ConfiguredAddresses{configure_status_, missing_};
                 },
                 [this](RoutingTable table) {
                     applied_.push_back(std::move(table));
                     return apply_status_;
                 },
                 [this] { return synced_; }, [this]() -> const Findings& { return findings_; },
                 [this](const Statuses& statuses, const LoadedSnapshot&) {
                     published_.push_back(statuses);
                     return publish_status_;
                 }},
                metrics_};
    }

    UnavailablePorts unavailable_of(const std::set<SocketAddress>& vips) const {
        UnavailablePorts unavailable;
        for (const auto& vip : vips) {
            if (taken_.contains(vip)) unavailable[vip] = "another process of the node listens there";
        }
        return unavailable;
    }

    static LoadedSnapshot shop() { return load_snapshot(kManifests, "shop.yaml"); }

    TranslateOptions options_;
    Metrics metrics_;
    Status apply_status_, publish_status_, configure_status_;
    std::set<SocketAddress> taken_;  // by another process of the host
    std::set<IpAddress> of_host_;
    std::map<IpAddress, std::string> missing_;  // that cannot be configured
    bool synced_ = true;
    Findings findings_;
    std::vector<std::set<SocketAddress>> listened_;
    std::vector<std::set<IpAddress>> configured_;
    std::vector<RoutingTable> applied_;
    std::vector<Statuses> published_;
};

// Programmed: "reason: message".
inline std::string programmed(const GatewayStatus& gateway) {
    const auto& conditions = gateway.conditions;
    const auto found =
        std::find_if(conditions.begin(), conditions.end(), [](const auto& c) { return c.type == "Programmed"; });
    return found->reason + ": " + found->message;
}

}  // namespace slipgate
