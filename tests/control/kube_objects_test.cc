// SPDX-License-Identifier: Apache-2.0
// What is kept of the objects an API server hands out, and what is a change of them.
#include "agent/source/kube/objects.h"

#include <gmock/gmock.h>

namespace slipgate::kube {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;
using testing::SizeIs;
using testing::StartsWith;

json object(json labels, json annotations = json::object(), json status = json::object()) {
    return {
        {"metadata",
         {{"namespace", "shop"},
          {"name", "web"},
          {"generation", 1},
          {"labels", std::move(labels)},
          {"annotations", std::move(annotations)}}},
        {"addressType", "IPv4"},
        {"endpoints", json::array()},
        {"spec",
         {{"gatewayClassName", "slipgate"},
          {"listeners", {{{"name", "tls"}, {"port", 443}, {"protocol", "TLS"}, {"tls", {{"mode", "Passthrough"}}}}}}}},
        {"status", std::move(status)}};
}

// Is `after` another object for the agent than `before`?
bool differ(std::string_view kind, json before, json after) {
    Objects objects;
    objects.put(resource_of(kind), "v1", std::move(before));
    EXPECT_TRUE(objects.take_changed()) << kind;
    objects.put(resource_of(kind), "v1", std::move(after));
    EXPECT_TRUE(objects.snapshot().problems.empty()) << kind;
    return objects.take_changed();
}

TEST(KubeObjects, LabelsThatAreUsedAreAChange) {
    const auto with = [](const char* label, const char* value) { return object({{label, value}}); };
    EXPECT_TRUE(differ("Namespace", with("team", "a"), with("team", "b")));
    EXPECT_TRUE(
        differ("EndpointSlice", with("kubernetes.io/service-name", "a"), with("kubernetes.io/service-name", "b")));
    EXPECT_TRUE(differ("Node", with("topology.kubernetes.io/zone", "a"), with("topology.kubernetes.io/zone", "b")));
}

TEST(KubeObjects, OtherLabelsAreNone) {
    for (const auto* kind : {"Node", "EndpointSlice", "Gateway"}) {
        EXPECT_FALSE(differ(kind, object({{"team", "a"}}), object({{"team", "b"}}))) << kind;
    }
}

TEST(KubeObjects, OnlyOurAnnotationsAreAChange) {
    EXPECT_TRUE(differ("Gateway", object({}, {{"slipgate.dev/source-mode", "snat"}}),
                       object({}, {{"slipgate.dev/source-mode", "preserve"}})));
    EXPECT_FALSE(differ("Gateway", object({}, {{"example.com/note", "a"}}), object({}, {{"example.com/note", "b"}})));
}

// Each status that is written comes back as an event of the watch.
TEST(KubeObjects, AStatusIsNone) {
    EXPECT_FALSE(differ("Gateway", object({}), object({}, json::object(), {{"conditions", json::array()}})));
}

// It has its address of the pool still.
TEST(KubeObjects, AGatewayThatIsRefusedIsKnownUntilItIsTakenOrGone) {
    const json good = {
        {"metadata", {{"namespace", "infra"}, {"name", "edge"}}},
        {"spec",
         {{"gatewayClassName", "slipgate"},
          {"listeners", {{{"name", "tls"}, {"port", 443}, {"protocol", "TLS"}, {"tls", {{"mode", "Passthrough"}}}}}}}},
        {"status", {{"addresses", {{{"type", "IPAddress"}, {"value", "192.0.2.1"}}}}}}};
    auto bad = good;
    bad["spec"]["listeners"][0]["tls"]["mode"] = "Peek";
    const auto& gateways = resource_of("Gateway");
    Objects objects;
    const auto known = [&] { return objects.snapshot().snapshot.refused_gateways; };
    objects.put(gateways, "v1", bad);
    ASSERT_EQ(known().size(), 1U);
    EXPECT_EQ(known().at("infra/edge").assigned, std::vector{*IpAddress::parse("192.0.2.1")});
    objects.put(gateways, "v1", good);
    EXPECT_TRUE(known().empty());
    objects.put(gateways, "v1", bad);
    objects.erase(gateways, "infra/edge");
    EXPECT_TRUE(known().empty());
    objects.put(gateways, "v1", bad);
    objects.retain(gateways, {});
    EXPECT_TRUE(known().empty());
}

// Those of a CRD came with releases: the listeners that break them have conditions, the others are served.
TEST(KubeObjects, AGatewayThatIsOlderThanARuleOfItsListenersIsTaken) {
    const auto listener = [](const char* name, const char* protocol) {
        return json{{"name", name}, {"port", 443}, {"protocol", protocol}};
    };
    auto terminate = listener("terminate", "TLS");
    terminate["tls"]["mode"] = "Terminate";
    auto http = listener("http", "HTTP");
    http["tls"]["mode"] = "Passthrough";
    auto https = http;
    https["protocol"] = "HTTPS";
    auto tcp = listener("tcp", "TCP");
    tcp["hostname"] = "a.example.com";
    for (const auto& bad : {listener("bare", "TLS"), terminate, http, https, tcp}) {
        auto gateway = object({});
        gateway["spec"]["listeners"].push_back(bad);
        gateway["spec"]["listeners"].push_back(bad);
        gateway["spec"]["listeners"].back()["name"] = "again";
        Objects objects;
        objects.put(resource_of("Gateway"), "v1", gateway);
        EXPECT_THAT(objects.snapshot().problems, IsEmpty()) << bad;
        EXPECT_THAT(objects.snapshot().snapshot.gateways.at("shop/web").listeners, SizeIs(3)) << bad;
    }
}

// The experimental channel's CRD takes references that differ in their port only, and an IP address for a hostname.
TEST(KubeObjects, ARouteThatAnotherChannelTakesIsTaken) {
    const auto ref = [](int port) { return json{{"name", "edge"}, {"port", port}}; };
    const json route = {{"metadata", {{"namespace", "shop"}, {"name", "web"}}},
                        {"spec",
                         {{"parentRefs", {ref(443), ref(8443)}},
                          {"hostnames", {"a.example.com", "192.0.2.1"}},
                          {"rules", {{{"backendRefs", {{{"name", "web"}, {"port", 443}}}}}}}}}};
    Objects objects;
    objects.put(resource_of("TLSRoute"), "v1alpha2", route);
    EXPECT_THAT(objects.snapshot().problems, IsEmpty());
    EXPECT_THAT(objects.snapshot().snapshot.tls_routes.at("shop/web").parent_refs, SizeIs(2));
}

std::map<std::string, std::string> refused(const Objects& objects) {
    return objects.snapshot().snapshot.refused_services;
}

TEST(KubeObjects, AServiceThatIsRefusedIsNamedUntilItIsTakenOrGone) {
    const json good = {{"metadata", {{"namespace", "shop"}, {"name", "web"}}}, {"spec", {{"ports", {{{"port", 1}}}}}}};
    auto bad = good;
    bad["spec"]["type"] = "Later";
    const auto& services = resource_of("Service");
    Objects objects;
    objects.put(services, "v1", bad);
    ASSERT_THAT(refused(objects), ElementsAre(Pair("shop/web", StartsWith("spec.type: Unsupported value: \"Later\""))));
    objects.put(services, "v1", good);
    EXPECT_THAT(refused(objects), IsEmpty());
    objects.put(services, "v1", bad);
    EXPECT_THAT(refused(objects), SizeIs(1));
    objects.erase(services, "shop/web");
    EXPECT_THAT(refused(objects), IsEmpty());
}

}  // namespace
}  // namespace slipgate::kube
