// SPDX-License-Identifier: Apache-2.0
#include <gmock/gmock.h>

#include <string>
#include <vector>

#include "agent/source/file/load.h"

namespace slipgate {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::EndsWith;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::Pair;
using testing::StartsWith;
using testing::UnorderedElementsAre;

std::vector<std::string> texts(const LoadedSnapshot& loaded, Severity at_least = Severity::info) {
    std::vector<std::string> result;
    for (const auto& problem : loaded.problems) {
        if (problem.problem.severity >= at_least) result.push_back(problem.to_string());
    }
    return result;
}

TEST(LoadSnapshot, ReadsEveryKindOfAMultiDocumentFile) {
    const auto loaded = load_snapshot(R"(---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: slipgate}
spec: {controllerName: slipgate.dev/gateway-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, generation: 4}
spec:
  gatewayClassName: slipgate
  listeners:
  - {name: tls, protocol: TLS, port: 443, hostname: "*.example.com", tls: {mode: Passthrough}}
---
apiVersion: gateway.networking.k8s.io/v1alpha2
kind: TLSRoute
metadata: {name: shop, namespace: team-a, creationTimestamp: 2026-01-31T12:00:00Z}
spec:
  parentRefs: [{name: edge, namespace: default}]
  hostnames: [shop.example.com]
  rules: [{backendRefs: [{name: shop, port: 8443, weight: 9}]}]
---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: grant, namespace: team-b}
spec:
  from: [{group: gateway.networking.k8s.io, kind: TLSRoute, namespace: team-a}]
  to: [{group: "", kind: Service}]
---
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Service
  metadata: {name: shop, namespace: team-a}
  spec: {ports: [{port: 8443, targetPort: https}]}
- apiVersion: discovery.k8s.io/v1
  kind: EndpointSlice
  metadata: {name: shop-1, namespace: team-a, labels: {kubernetes.io/service-name: shop}}
  addressType: IPv4
  endpoints: [{addresses: [10.0.0.1], conditions: {ready: false}}]
  ports: [{port: 9443}]
- apiVersion: v1
  kind: Namespace
  metadata: {name: team-a, labels: {team: a}}
)",
                                      "all.yaml");
    EXPECT_THAT(texts(loaded), ElementsAre("all.yaml:15: apiVersion: v1alpha2 is read like v1, its successor"));
    const auto& snapshot = loaded.snapshot;
    EXPECT_THAT(snapshot.gateway_classes, ElementsAre(Key("slipgate")));
    ASSERT_THAT(snapshot.gateways, ElementsAre(Key("default/edge")));
    ASSERT_THAT(snapshot.tls_routes, ElementsAre(Key("team-a/shop")));
    EXPECT_THAT(snapshot.reference_grants, ElementsAre(Key("team-b/grant")));
    EXPECT_THAT(snapshot.services, ElementsAre(Key("team-a/shop")));
    ASSERT_THAT(snapshot.endpoint_slices, ElementsAre(Key("team-a/shop-1")));
    EXPECT_THAT(snapshot.namespaces, UnorderedElementsAre(Key("default"), Key("team-a"), Key("team-b")));

    const auto& gateway = snapshot.gateways.at("default/edge");
    EXPECT_EQ(gateway.meta.generation, 4);
    EXPECT_EQ(gateway.listeners.at(0).allowed_routes.from, "Same");
    const auto& route = snapshot.tls_routes.at("team-a/shop");
    EXPECT_EQ(route.meta.generation, 1);
    EXPECT_EQ(route.meta.creation_timestamp, parse_timestamp("2026-01-31T12:00:00Z"));
    EXPECT_EQ(route.parent_refs.at(0).kind, "Gateway");
    EXPECT_EQ(route.backend_refs.at(0).weight, 9U);
    EXPECT_EQ(route.backend_refs.at(0).kind, "Service");
    const auto& slice = snapshot.endpoint_slices.at("team-a/shop-1");
    EXPECT_FALSE(slice.endpoints.at(0).ready);
    EXPECT_TRUE(slice.endpoints.at(0).serving);
    EXPECT_EQ(snapshot.namespaces.at("team-a").meta.labels.at("team"), "a");
    EXPECT_EQ(snapshot.namespaces.at("team-b").meta.labels.at("kubernetes.io/metadata.name"), "team-b");
}

TEST(LoadSnapshot, NamesServicesThatAreRefused) {
    const auto loaded = load_snapshot(R"(apiVersion: v1
kind: Service
metadata: {name: bad}
spec: {type: Later, ports: [{port: 0}]}
---
apiVersion: v1
kind: Service
metadata: {name: good}
spec: {ports: [{port: 1}]}
---
apiVersion: v1
kind: Service
metadata: {name: good}
spec: {ports: [{port: 2}]}
---
apiVersion: v1
kind: Namespace
metadata: {name: Bad}
)",
                                      "all.yaml");
    EXPECT_THAT(loaded.snapshot.refused_services,
                ElementsAre(Pair("default/bad", AllOf(HasSubstr("all.yaml:4: spec.type: Unsupported value"),
                                                      HasSubstr("; all.yaml:4: spec.ports[0].port: Invalid value")))));
}

TEST(LoadSnapshot, RefusesABadObjectAndKeepsTheRest) {
    const auto loaded = load_snapshot(R"(apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata:
  name: bad
spec:
  rules:
  - backendRefs:
    - name: shop
      port: 70000
      colour: red
---
apiVersion: v1
kind: Service
metadata:
  name: shop
spec:
  ports:
  - port: 8443
)",
                                      "shop.yaml");
    EXPECT_THAT(texts(loaded),
                UnorderedElementsAre("shop.yaml:5: spec.hostnames: Required value",
                                     "shop.yaml:10: spec.rules[0].backendRefs[0].colour: unknown field",
                                     "shop.yaml:9: spec.rules[0].backendRefs[0].port: Invalid value: 70000: must be "
                                     "between 1 and 65535"));
    EXPECT_THAT(loaded.snapshot.tls_routes, IsEmpty());
    EXPECT_THAT(loaded.snapshot.services, ElementsAre(Key("default/shop")));
}

TEST(LoadSnapshot, AForerunnerThatV1CannotExpressIsRefusedByName) {
    const auto loaded = load_snapshot(R"(apiVersion: gateway.networking.k8s.io/v1alpha2
kind: TLSRoute
metadata: {name: catch-all, namespace: team-a}
spec:
  rules:
  - backendRefs: [{name: shop, port: 443}]
  - backendRefs: [{name: shop, port: 444}]
)",
                                      "old.yaml");
    EXPECT_THAT(texts(loaded, Severity::error),
                UnorderedElementsAre("old.yaml:4: spec.hostnames: Required value",
                                     "old.yaml:5: spec.rules: Invalid value: 2: must have exactly 1 item"));
    for (const auto& found : loaded.problems) EXPECT_EQ(found.object.to_string(), "TLSRoute team-a/catch-all");
    EXPECT_THAT(loaded.snapshot.tls_routes, IsEmpty());
}

TEST(LoadSnapshot, OtherKindsAreADebugNote) {
    const auto loaded = load_snapshot("{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}}", "web.yaml");
    EXPECT_THAT(texts(loaded), IsEmpty());
    ASSERT_THAT(texts(loaded, Severity::debug), ElementsAre(HasSubstr("web.yaml:1: ignored: apps/v1 Deployment")));
    const auto route = load_snapshot("{apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute}", "web.yaml");
    EXPECT_THAT(texts(route), IsEmpty());
}

TEST(LoadSnapshot, AKindThatTheGatewayApiDoesNotHaveIsAMistake) {
    const auto loaded = load_snapshot("apiVersion: gateway.networking.k8s.io/v1\nkind: TLSRuote\n", "web.yaml");
    EXPECT_THAT(texts(loaded), ElementsAre("web.yaml:2: kind: Unsupported value: \"TLSRuote\": no kind of "
                                           "gateway.networking.k8s.io/v1; the nearest known one is TLSRoute"));
}

TEST(LoadSnapshot, AMisspeltKindIsNamedWithTheNearestOne) {
    const std::pair<const char*, const char*> kMisspelt[] = {
        {"gateway.networking.k8s.io/v1 TLSRoutes", "TLSRoute"},
        {"gateway.networking.k8s.io/v1 TSLRoute", "TLSRoute"},
        {"gateway.networking.k8s.io/v1alpha2 TLSRout", "TLSRoute"},
        {"gateway.networking.k8s.io/v1 gateway", "Gateway"},
        {"gateway.networking.k8s.io/v1 GatewayClas", "GatewayClass"},
        {"gateway.networking.k8s.io/v1beta1 ReferenceGrants", "ReferenceGrant"},
        {"v1 Servce", "Service"},
        {"v1 Serivce", "Service"},
        {"v1 Services", "Service"},
        {"v1 namespace", "Namespace"},
        {"discovery.k8s.io/v1 EndpointsSlice", "EndpointSlice"},
        {"discovery.k8s.io/v1 EndPointSlice", "EndpointSlice"},
    };
    for (const auto& [written, nearest] : kMisspelt) {
        const std::string text = written;
        const auto space = text.find(' ');
        const auto loaded = load_snapshot(
            "apiVersion: " + text.substr(0, space) + "\nkind: " + text.substr(space + 1) + "\nmetadata: {name: x}\n",
            "a.yaml");
        EXPECT_THAT(texts(loaded), ElementsAre(AllOf(StartsWith("a.yaml:2: kind: "), HasSubstr(text.substr(space + 1)),
                                                     EndsWith("; the nearest known one is " + std::string(nearest)))))
            << written;
    }
}

TEST(LoadSnapshot, OtherKindsOfTheSameGroupsAreNoMistakes) {
    for (const auto* core : {"Binding", "ComponentStatus", "ConfigMap", "Endpoints", "Event", "LimitRange",
                             "PersistentVolume", "PersistentVolumeClaim", "Pod", "PodTemplate", "ReplicationController",
                             "ResourceQuota", "Secret", "ServiceAccount"})
        EXPECT_THAT(texts(load_snapshot("{apiVersion: v1, kind: " + std::string(core) + "}", "a.yaml")), IsEmpty());
    for (const auto* route : {"HTTPRoute", "GRPCRoute", "TCPRoute", "UDPRoute", "BackendTLSPolicy"}) {
        const auto text = "{apiVersion: gateway.networking.k8s.io/v1, kind: " + std::string(route) + "}";
        EXPECT_THAT(texts(load_snapshot(text, "a.yaml")), IsEmpty());
    }
    EXPECT_THAT(texts(load_snapshot("{apiVersion: serving.knative.dev/v1, kind: Services}", "a.yaml")), IsEmpty());
}

TEST(LoadSnapshot, TheFirstDefinitionOfAnObjectCounts) {
    const auto loaded = load_snapshot(R"(
{apiVersion: v1, kind: Service, metadata: {name: shop}, spec: {ports: [{port: 1}]}}
---
{apiVersion: v1, kind: Service, metadata: {name: shop, namespace: default}, spec: {ports: [{port: 2}]}}
)",
                                      "a.yaml");
    EXPECT_THAT(texts(loaded), ElementsAre("a.yaml:4: Duplicate definition of Service default/shop: a.yaml:2 has it "
                                           "already, which counts"));
    EXPECT_EQ(loaded.snapshot.services.at("default/shop").ports.at(0).port, 1);
}

// Each with a line of its own would take hours: what is said last would be compared with all before.
TEST(LoadSnapshot, SelectorOfManyFaultsIsNamedByItsFirst) {
    std::string text = R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: slipgate
  listeners: [{name: tls, protocol: TLS, port: 443, tls: {mode: Passthrough}}]
  allowedListeners:
    namespaces:
      from: Selector
      selector:
        matchExpressions:
        - {key: team, operator: Exists}
)";
    for (int i = 0; i < 50'000; ++i) text += "        - {key: team, operator: Is}\n";
    const auto loaded = load_snapshot(text, "edge.yaml");
    EXPECT_THAT(
        texts(loaded),
        ElementsAre("edge.yaml:14: spec.allowedListeners.namespaces.selector.matchExpressions[1]: operator \"Is\" "
                    "is none: the selector matches nothing"));
}

TEST(LoadSnapshot, TextThatIsNotYamlIsNamedByLine) {
    const auto loaded = load_snapshot("apiVersion: v1\nkind: [Service\n", "bad.yaml");
    ASSERT_THAT(texts(loaded), ElementsAre(HasSubstr("bad.yaml:")));
    EXPECT_EQ(loaded.problems[0].problem.severity, Severity::error);
    EXPECT_GE(loaded.problems[0].line, 2);
    EXPECT_EQ(loaded.snapshot, Snapshot{});
}

}  // namespace
}  // namespace slipgate
