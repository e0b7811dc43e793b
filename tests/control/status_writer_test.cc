// SPDX-License-Identifier: Apache-2.0
#include "agent/source/file/status_writer.h"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

#include "agent/source/file/folder.h"
#include "agent/source/file/load.h"
#include "agent/source/file/yaml.h"
#include "tests/control/temp_folder.h"

namespace slipgate {
namespace {

using testing::HasSubstr;

namespace fs = std::filesystem;

constexpr auto kThen = "2026-01-31T12:00:00Z";
constexpr auto kNow = "2026-02-01T08:30:00Z";

class StatusWriterTest : public testing::Test {
  protected:
    void SetUp() override {
        loaded_ = load_snapshot(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, generation: 3}
spec:
  gatewayClassName: slipgate
  listeners: [{name: tls, protocol: TLS, port: 443, tls: {mode: Passthrough}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: edge, generation: 5}
spec:
  parentRef: {name: edge}
  listeners: [{name: tls, protocol: TLS, port: 8443, tls: {mode: Passthrough}}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: shop}
spec:
  parentRefs: [{name: edge, sectionName: tls}, {name: edge, sectionName: other}]
  hostnames: [shop.example.com]
  rules: [{backendRefs: [{name: shop, port: 443}]}]
)",
                                "a.yaml");
        ASSERT_TRUE(loaded_.problems.empty());
        auto& gateway = statuses_.gateways["default/edge"];
        gateway.attached_listener_sets = 1;
        gateway.addresses = {{"IPAddress", "192.0.2.1"}};
        gateway.conditions = {{"Accepted", "True", "Accepted", "", 3},
                              {"Programmed", "False", "Pending", "x: y # z", 3}};
        gateway.listeners = {{"tls", {{kGatewayGroup, "TLSRoute"}}, 2, {{"Accepted", "True", "Accepted", "", 3}}}};
        auto& set = statuses_.listener_sets["default/edge"];
        set.conditions = {{"Accepted", "True", "Accepted", "", 5}};
        set.listeners = {{"tls", {}, 1, {{"Conflicted", "True", "HostnameConflict", "", 5}}}};
        auto& route = statuses_.tls_routes["default/shop"];
        for (const auto& parent : loaded_.snapshot.tls_routes.at("default/shop").parent_refs) {
            route.parents.push_back(
                {parent, "slipgate.dev/gateway-controller", {{"Accepted", "True", "Accepted", "", 1}}});
        }
    }

    void write(const char* now) {
        auto writer = StatusWriter::open(folder_.path());
        ASSERT_TRUE(writer) << writer.error().message;
        const auto written = writer->write(statuses_, loaded_.snapshot, loaded_.problems, now);
        ASSERT_TRUE(written) << written.error().message;
    }

    nlohmann::json read(const std::string& name) const {
        const auto documents = parse_yaml(folder_.read(name));
        if (!documents || documents->size() != 1) return nullptr;
        return documents->front().value();
    }

    TempFolder folder_;
    LoadedSnapshot loaded_;
    Statuses statuses_;
};

TEST_F(StatusWriterTest, TellsTheAddressesOfTheRunBefore) {
    write(kThen);
    folder_.write("gateway_default_odd.yaml",
                  "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: odd, namespace: default}\n"
                  "status: {addresses: [3, {value: [a]}, {value: no address}, {value: '2001:db8::1'}]}\n");
    folder_.write("tlsroute_default_odd.yaml",
                  "apiVersion: v1\nkind: [a]\nmetadata: odd\nstatus: {addresses: [{value: 192.0.2.9}]}\n");
    const auto writer = StatusWriter::open(folder_.path());
    ASSERT_TRUE(writer) << writer.error().message;
    EXPECT_THAT(writer->gateway_addresses(),
                testing::UnorderedElementsAre(
                    testing::Pair("default/edge", testing::ElementsAre(*IpAddress::parse("192.0.2.1"))),
                    testing::Pair("default/odd", testing::ElementsAre(*IpAddress::parse("2001:db8::1")))));
}

TEST_F(StatusWriterTest, KeepsTheAddressesOfAGatewayWhoseClassIsAway) {
    const auto addresses = [this] { return StatusWriter::open(folder_.path()).value().gateway_addresses(); };
    loaded_.snapshot.gateway_classes["slipgate"] = {};
    write(kThen);
    const auto given = addresses();
    ASSERT_EQ(given.size(), 1U);
    loaded_.snapshot.gateway_classes.erase("slipgate");
    statuses_.gateways = {};
    for (const auto* run : {"the first", "one after it"}) {
        SCOPED_TRACE(run);
        write(kNow);
        EXPECT_EQ(addresses(), given);
        EXPECT_EQ(read("gateway_default_edge.yaml")["status"].size(), 1U)
            << "it is not served: there is no more to say";
    }
    loaded_.snapshot.gateway_classes["slipgate"].controller_name = "acme.example/controller";
    write(kNow);
    EXPECT_TRUE(addresses().empty()) << "it is another's now";
}

TEST_F(StatusWriterTest, WritesWhatTheApiServerWouldHold) {
    write(kThen);
    EXPECT_EQ(read("gateway_default_edge.yaml"), nlohmann::json::parse(R"({
      "apiVersion": "gateway.networking.k8s.io/v1", "kind": "Gateway",
      "metadata": {"name": "edge", "namespace": "default", "generation": 3},
      "status": {
        "addresses": [{"type": "IPAddress", "value": "192.0.2.1"}], "attachedListenerSets": 1,
        "conditions": [
          {"type": "Accepted", "status": "True", "reason": "Accepted", "message": "", "observedGeneration": 3,
           "lastTransitionTime": "2026-01-31T12:00:00Z"},
          {"type": "Programmed", "status": "False", "reason": "Pending", "message": "x: y # z", "observedGeneration": 3,
           "lastTransitionTime": "2026-01-31T12:00:00Z"}],
        "listeners": [{"name": "tls", "attachedRoutes": 2,
          "supportedKinds": [{"group": "gateway.networking.k8s.io", "kind": "TLSRoute"}],
          "conditions": [{"type": "Accepted", "status": "True", "reason": "Accepted", "message": "",
            "observedGeneration": 3, "lastTransitionTime": "2026-01-31T12:00:00Z"}]}]}})"));
    EXPECT_EQ(read("listenerset_default_edge.yaml"), nlohmann::json::parse(R"({
      "apiVersion": "gateway.networking.k8s.io/v1", "kind": "ListenerSet",
      "metadata": {"name": "edge", "namespace": "default", "generation": 5},
      "status": {
        "conditions": [{"type": "Accepted", "status": "True", "reason": "Accepted", "message": "",
          "observedGeneration": 5, "lastTransitionTime": "2026-01-31T12:00:00Z"}],
        "listeners": [{"name": "tls", "attachedRoutes": 1, "supportedKinds": [],
          "conditions": [{"type": "Conflicted", "status": "True", "reason": "HostnameConflict", "message": "",
            "observedGeneration": 5, "lastTransitionTime": "2026-01-31T12:00:00Z"}]}]}})"));
    const auto parent = read("tlsroute_default_shop.yaml")["status"]["parents"][1];
    EXPECT_EQ(parent["parentRef"]["sectionName"], "other");
    EXPECT_EQ(parent["controllerName"], "slipgate.dev/gateway-controller");
}

TEST_F(StatusWriterTest, AnotherYamlReaderSeesStringsWhereStringsWereWritten) {
    write(kThen);
    EXPECT_THAT(folder_.read("gateway_default_edge.yaml"), HasSubstr("status: \"True\""));
    EXPECT_THAT(folder_.read("gateway_default_edge.yaml"), HasSubstr("lastTransitionTime: \"2026-01-31T12:00:00Z\""));
}

TEST_F(StatusWriterTest, LastTransitionTimeIsThatOfTheLastChangeOfStatus) {
    write(kThen);
    statuses_.gateways["default/edge"].conditions[0].message = "another message";
    statuses_.gateways["default/edge"].conditions[1].status = "True";
    statuses_.tls_routes["default/shop"].parents[1].conditions[0].status = "False";
    write(kNow);
    const auto gateway = read("gateway_default_edge.yaml")["status"];
    EXPECT_EQ(gateway["conditions"][0]["message"], "another message");
    EXPECT_EQ(gateway["conditions"][0]["lastTransitionTime"], kThen);
    EXPECT_EQ(gateway["conditions"][1]["lastTransitionTime"], kNow);
    EXPECT_EQ(gateway["listeners"][0]["conditions"][0]["lastTransitionTime"], kThen);
    const auto parents = read("tlsroute_default_shop.yaml")["status"]["parents"];
    EXPECT_EQ(parents[0]["conditions"][0]["lastTransitionTime"], kThen);
    EXPECT_EQ(parents[1]["conditions"][0]["lastTransitionTime"], kNow);
}

TEST_F(StatusWriterTest, LastTransitionTimeThatIsNoTimeIsMadeAnew) {
    for (const auto* garbage : {"null", "[1]", "{a: b}", "17", "yesterday"}) {
        write(kThen);
        auto text = folder_.read("gateway_default_edge.yaml");
        const auto quoted = fmt::format("\"{}\"", kThen);
        const auto at = text.find(quoted);
        ASSERT_NE(at, text.npos);
        folder_.write("gateway_default_edge.yaml", text.replace(at, quoted.size(), garbage));
        write(kNow);
        const auto conditions = read("gateway_default_edge.yaml")["status"]["conditions"];
        EXPECT_EQ(conditions[0]["lastTransitionTime"], kNow) << garbage;
        EXPECT_EQ(conditions[1]["lastTransitionTime"], kThen) << garbage;
        fs::remove(folder_ / "gateway_default_edge.yaml");
    }
}

TEST_F(StatusWriterTest, AReaderHasTheOldFileOrTheNewOneAndNeverAPart) {
    write(kThen);
    const auto before = folder_.read("gateway_default_edge.yaml");
    std::ifstream reader(folder_ / "gateway_default_edge.yaml");
    statuses_.gateways["default/edge"].conditions[1].status = "True";
    write(kNow);
    std::stringstream seen;
    seen << reader.rdbuf();
    EXPECT_EQ(seen.str(), before) << "the file that a reader has open is not written to";
    EXPECT_NE(folder_.read("gateway_default_edge.yaml"), before);
}

TEST_F(StatusWriterTest, WritesNothingWhenNothingChanged) {
    write(kThen);
    const auto path = folder_ / "gateway_default_edge.yaml";
    fs::last_write_time(path, fs::file_time_type{});
    write(kNow);
    EXPECT_EQ(fs::last_write_time(path), fs::file_time_type{}) << "the file was written again";
    fs::remove(path);
    write(kNow);
    EXPECT_TRUE(fs::exists(path)) << "a file somebody removed comes back";
}

TEST_F(StatusWriterTest, RemovesTheFilesOfObjectsThatAreGoneAndNoOthers) {
    folder_.write("notes.yaml", "apiVersion: v1\nkind: Service\nmetadata: {name: a}\nspec: {}\n");
    write(kThen);
    ASSERT_TRUE(fs::exists(folder_ / "tlsroute_default_shop.yaml"));
    statuses_.tls_routes = {};
    write(kNow);
    EXPECT_FALSE(fs::exists(folder_ / "tlsroute_default_shop.yaml"));
    EXPECT_TRUE(fs::exists(folder_ / "gateway_default_edge.yaml"));
    EXPECT_TRUE(fs::exists(folder_ / "notes.yaml"));
    for (const auto& entry : fs::directory_iterator(folder_.path())) {
        EXPECT_EQ(entry.path().extension(), ".yaml") << "a temporary file stayed behind: " << entry.path();
    }
}

TEST_F(StatusWriterTest, ARefusedObjectSaysWhereAndWhy) {
    loaded_ = load_snapshot(R"(apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: bad, namespace: team-a}
spec:
  rules:
  - backendRefs: [{name: shop, port: 0}]
)",
                            "bad.yaml");
    write(kThen);
    const auto document = read("tlsroute_team-a_bad.yaml");
    EXPECT_EQ(document["metadata"]["generation"], 1);
    const auto condition = document["status"]["conditions"][0];
    EXPECT_EQ(condition["type"], "Accepted");
    EXPECT_EQ(condition["status"], "False");
    EXPECT_EQ(condition["reason"], "Invalid");
    EXPECT_EQ(condition["observedGeneration"], 1);
    EXPECT_EQ(
        condition["message"],
        "bad.yaml:4: spec.hostnames: Required value; bad.yaml:6: spec.rules[0].backendRefs[0].port: Invalid value: 0: "
        "must be between 1 and 65535");
}

TEST_F(StatusWriterTest, AWarningStandsBesideTheStatusOfTheObject) {
    loaded_.problems = {{"a.yaml",
                         7,
                         {"gateway.networking.k8s.io/v1", "Gateway", "default", "edge"},
                         3,
                         {Severity::warning, "spec.colour", "unknown field"}}};
    write(kThen);
    const auto conditions = read("gateway_default_edge.yaml")["status"]["conditions"];
    ASSERT_EQ(conditions.size(), 3U);
    EXPECT_EQ(conditions[0]["type"], "Accepted");
    EXPECT_EQ(conditions[0]["status"], "True");
    EXPECT_EQ(conditions[2]["type"], "slipgate.dev/ManifestProblems");
    EXPECT_EQ(conditions[2]["reason"], "Found");
    EXPECT_EQ(conditions[2]["message"], "a.yaml:7: spec.colour: unknown field");
}

TEST_F(StatusWriterTest, ARefusedChangeStandsBesideTheStatusOfWhatIsInForce) {
    loaded_.problems = {{"a.yaml",
                         7,
                         {"gateway.networking.k8s.io/v1", "TLSRoute", "default", "shop"},
                         1,
                         {Severity::error, "spec.hostnames[0]", "Invalid value: \"Shop\": must be lower case"}}};
    write(kThen);
    const auto status = read("tlsroute_default_shop.yaml")["status"];
    EXPECT_EQ(status["parents"].size(), 2U) << "the route is served as before";
    ASSERT_EQ(status["conditions"].size(), 1U);
    EXPECT_EQ(status["conditions"][0]["type"], "slipgate.dev/ManifestProblems");
    EXPECT_EQ(status["conditions"][0]["status"], "True");
    EXPECT_EQ(status["conditions"][0]["reason"], "Refused");
    EXPECT_EQ(status["conditions"][0]["message"],
              "a.yaml:7: spec.hostnames[0]: Invalid value: \"Shop\": must be lower case");
}

TEST(StatusFileName, IsKindNamespaceAndName) {
    EXPECT_EQ(status_file_name({"g/v1", "GatewayClass", "", "slipgate"}), "gatewayclass_slipgate.yaml");
    EXPECT_EQ(status_file_name({"g/v1", "TLSRoute", "team-a", "shop"}), "tlsroute_team-a_shop.yaml");
}

TEST(StatusFileName, OfTheLongestNamesFitAndDiffer) {
    const std::string space(63, 'n');
    const auto a = status_file_name({"g/v1", "Gateway", space, std::string(252, 'x') + "a"});
    const auto b = status_file_name({"g/v1", "Gateway", space, std::string(252, 'x') + "b"});
    EXPECT_NE(a, b);
    TempFolder folder;
    EXPECT_TRUE(replace_file(folder.path(), a, "x")) << "too long for the file system";
}

}  // namespace
}  // namespace slipgate
