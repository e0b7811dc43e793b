// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/events.h"

#include <gmock/gmock.h>

#include "agent/source/file/yaml.h"
#include "tests/control/kube_resources.h"

namespace slipgate::kube {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

json value(const std::string& yaml) {
    return parse_yaml(yaml)->front().value();
}

std::string condition(const std::string& type, const std::string& status, const std::string& reason = "Why") {
    return "{type: " + type + ", status: \"" + status + "\", reason: " + reason + ", message: about " + type + "}";
}

json object(const std::string& conditions) {
    return value("{conditions: [" + conditions + "]}");
}

json with_listener(const std::string& conditions) {
    return value("{conditions: [], listeners: [{name: tls, conditions: [" + conditions + "]}]}");
}

json with_parents(const std::string& foreign, const std::string& ours) {
    const auto entry = [](const std::string& controller, const std::string& conditions) {
        return "{parentRef: {kind: Gateway, namespace: infra, name: edge, sectionName: tls}, controllerName: " +
               controller + ", conditions: [" + conditions + "]}";
    };
    return value("{parents: [" + entry("acme.example/controller", foreign) + ", " +
                 entry("slipgate.dev/gateway-controller", ours) + "]}");
}

TEST(Events, AConditionThatBecomesBadIsAWarning) {
    const auto bad = object(condition("Accepted", "False", "Invalid"));
    const Notice warning{true, "Invalid", "about Accepted"};
    EXPECT_THAT(compare_statuses({}, bad), ElementsAre(warning));
    EXPECT_THAT(compare_statuses(object(condition("Accepted", "Unknown", "Pending")), bad), ElementsAre(warning));
    EXPECT_THAT(compare_statuses(object(condition("Accepted", "True")), bad), ElementsAre(warning));
    EXPECT_THAT(compare_statuses(object(condition("Accepted", "False", "Other")), bad), ElementsAre(warning));
    EXPECT_THAT(compare_statuses(bad, bad), IsEmpty());
}

TEST(Events, WhatIsRepairedIsTold) {
    const auto good = object(condition("Programmed", "True", "Programmed"));
    EXPECT_THAT(compare_statuses(object(condition("Programmed", "False")), good),
                ElementsAre(Notice{false, "Programmed", "about Programmed"}));
    EXPECT_THAT(compare_statuses({}, good), IsEmpty());
    EXPECT_THAT(compare_statuses(object(condition("ResolvedRefs", "False")), object(condition("ResolvedRefs", "True"))),
                IsEmpty());
}

TEST(Events, WhatIsServedNoLongerIsAWarningAndToldWhenItIsBack) {
    const auto unknown = [](const char* time) {
        return object("{type: Accepted, status: Unknown, reason: Pending, message: no class, lastTransitionTime: \"" +
                      std::string(time) + "\"}");
    };
    const auto good = object(condition("Accepted", "True", "Accepted"));
    const auto lost = unknown("2026-01-01T00:00:00Z"), created = unknown("1970-01-01T00:00:00Z");
    EXPECT_THAT(compare_statuses(good, lost), ElementsAre(Notice{true, "Pending", "no class"}));
    EXPECT_THAT(compare_statuses(lost, lost), IsEmpty());
    EXPECT_THAT(compare_statuses(lost, good), ElementsAre(Notice{false, "Accepted", "about Accepted"}));
    EXPECT_THAT(compare_statuses(created, good), IsEmpty()) << "it was not served before";
    const auto listener = with_listener(condition("Accepted", "Unknown", "Pending"));
    EXPECT_THAT(compare_statuses(with_listener(condition("Accepted", "True")), listener), IsEmpty())
        << "what holds it up is told of the object";
}

TEST(Events, SomeConditionsAreBadWhenTrue) {
    EXPECT_THAT(compare_statuses({}, with_listener(condition("Conflicted", "True", "HostnameConflict"))),
                ElementsAre(Notice{true, "HostnameConflict", "listener tls: about Conflicted"}));
    EXPECT_THAT(compare_statuses({}, with_listener(condition("OverlappingTLSConfig", "True"))), IsEmpty());
}

TEST(Events, ThoseOfARouteSayWhichParent) {
    const auto good = condition("Accepted", "True"), bad = condition("Accepted", "False", "NoMatchingParent");
    EXPECT_THAT(compare_statuses(with_parents(good, good), with_parents(good, bad)),
                ElementsAre(Notice{true, "NoMatchingParent", "Gateway infra/edge tls: about Accepted"}));
    EXPECT_THAT(compare_statuses(with_parents(good, bad), with_parents(bad, bad)), IsEmpty()) << "another controller's";
}

TEST(Events, ANoteIsNoLongerThanItMayBe) {
    auto bad = object(condition("Accepted", "False"));
    bad["conditions"][0]["message"] = std::string(1023, 'x') + "\u00e9\u00e9";
    const auto note = compare_statuses({}, bad).at(0).note;
    EXPECT_EQ(note, std::string(1021, 'x') + "...");
    bad["conditions"][0]["message"] = std::string(1020, 'x') + "\u00e9\u00e9\u00e9";
    EXPECT_EQ(compare_statuses({}, bad).at(0).note, std::string(1020, 'x') + "...") << "no character is cut in two";
}

TEST(Events, AreOfTheNamespaceOfTheirObject) {
    const Regarding gateway{{&resource("gateways"), "infra/edge"}, "v1", "u-1"};
    EXPECT_EQ(events_path(gateway), "/apis/events.k8s.io/v1/namespaces/infra/events");
    const auto event = event_object(gateway, {true, "Invalid", "no"}, std::string(253, 'n'), "now");
    EXPECT_EQ(event["regarding"], value("{apiVersion: gateway.networking.k8s.io/v1, kind: Gateway, namespace: infra, "
                                        "name: edge, uid: u-1}"));
    EXPECT_EQ(event["type"], "Warning");
    EXPECT_EQ(event["reportingInstance"].get<std::string>().size(), 128u);

    const Regarding gateway_class{{&resource("gatewayclasses"), "slipgate"}, "v1", "u-2"};
    EXPECT_EQ(events_path(gateway_class), "/apis/events.k8s.io/v1/namespaces/default/events");
    EXPECT_FALSE(event_object(gateway_class, {}, "node", "now")["regarding"].contains("namespace"));
}

}  // namespace
}  // namespace slipgate::kube
