// SPDX-License-Identifier: Apache-2.0
// Statuses that others write to as well: what is there, what is wanted, and what has to be written.
#include "agent/source/kube/status_merge.h"

#include <gmock/gmock.h>

#include "agent/model/controller.h"
#include "agent/source/file/yaml.h"

namespace slipgate::kube {
namespace {

using nlohmann::json;

constexpr auto kNow = "2026-02-01T08:30:00Z";
constexpr std::int64_t kGeneration = 3;

Condition condition(const std::string& type, const std::string& status = "True", const std::string& reason = "Fine") {
    return {type, status, reason, "all is well", kGeneration};
}

GatewayStatus gateway(std::vector<Condition> conditions, std::vector<ListenerStatus> listeners = {}) {
    return {{}, 0, std::move(conditions), std::move(listeners)};
}

RouteParentStatus parent(const std::string& name, std::vector<Condition> conditions = {condition("Accepted")}) {
    ParentReference ref;
    ref.name = name;
    return {ref, kOurController, std::move(conditions)};
}

// Of a condition that was written an hour ago, in the form of YAML.
std::string old(const std::string& type, const std::string& status = "True", int generation = kGeneration) {
    return "{type: " + type + ", status: \"" + status +
           "\", reason: Fine, message: all is well, observedGeneration: " + std::to_string(generation) +
           ", lastTransitionTime: \"2026-02-01T07:30:00Z\"}";
}
std::string fresh(const std::string& type, const std::string& status = "True") {
    return "{type: " + type + ", status: \"" + status +
           "\", reason: Fine, message: all is well, observedGeneration: 3, lastTransitionTime: "
           "\"2026-02-01T08:30:00Z\"}";
}
constexpr auto kForeign =
    "{type: acme.example/Seen, status: \"False\", reason: No, message: m, "
    "observedGeneration: 9, lastTransitionTime: \"2020-01-01T00:00:00Z\"}";
std::string six_of_others() {
    std::string conditions = old("acme.example/0");
    for (int n = 1; n < 6; ++n) conditions += "," + old("acme.example/" + std::to_string(n));
    return conditions;
}
constexpr auto kDefault =
    "{type: Accepted, status: Unknown, reason: Pending, message: Waiting for controller, "
    "lastTransitionTime: \"1970-01-01T00:00:00Z\"}";

std::string our_parent(const std::string& name, const std::string& conditions) {
    return "{parentRef: {group: gateway.networking.k8s.io, kind: Gateway, name: " + name +
           "}, controllerName: slipgate.dev/gateway-controller, conditions: [" + conditions + "]}";
}
std::string foreign_parent(const std::string& name) {
    return "{parentRef: {name: " + name + "}, controllerName: acme.example/controller, conditions: [" +
           old("Accepted", "True", 9) + "], note: kept}";
}

json value(const std::string& yaml) {
    return yaml.empty() ? json() : parse_yaml(yaml)->front().value();
}

struct Case {
    const char* name;
    std::string current;  // YAML; empty: no status
    WantedStatus wanted;
    std::string written;  // empty: nothing
    bool is_overtaken = false;
};

void PrintTo(const Case& c, std::ostream* out) {
    *out << c.name;
}

class StatusMerge : public testing::TestWithParam<Case> {};

TEST_P(StatusMerge, IsAsTheTableSays) {
    const auto merged = merge_status(value(GetParam().current), GetParam().wanted, kGeneration, kNow);
    EXPECT_EQ(merged.value_or(MergedStatus{}).status.dump(1), value(GetParam().written).dump(1));
    EXPECT_EQ(merged.value_or(MergedStatus{}).is_overtaken, GetParam().is_overtaken);
    if (merged) {
        EXPECT_FALSE(merge_status(merged->status, GetParam().wanted, kGeneration, "2026-03-01T00:00:00Z"))
            << "it is what is wanted";
    }
}

std::string gateway_of(const std::string& conditions, const std::string& listeners = "") {
    return "{addresses: [], attachedListenerSets: 0, conditions: [" + conditions + "], listeners: [" + listeners + "]}";
}
std::string listener_of(const std::string& name, const std::string& conditions, const std::string& kinds = "") {
    return "{name: " + name + ", supportedKinds: [" + kinds + "], attachedRoutes: 0, conditions: [" + conditions + "]}";
}
std::string parents_of(const std::string& entries) {
    return "{parents: [" + entries + "]}";
}

const std::vector<Case> kCases = {
    {"NothingIsThereYet", "", gateway({condition("Accepted")}), gateway_of(fresh("Accepted"))},
    {"TheDefaultsOfTheCrdAreReplaced", std::string("{conditions: [") + kDefault + "]}",
     gateway({condition("Accepted"), condition("Programmed", "False")}),
     gateway_of(fresh("Accepted") + "," + fresh("Programmed", "False"))},
    {"WhatIsThereIsNotWrittenAgain", gateway_of(old("Accepted")), gateway({condition("Accepted")}), ""},
    {"ANewGenerationKeepsTheTime", gateway_of(old("Accepted", "True", 2)), gateway({condition("Accepted")}),
     gateway_of(old("Accepted"))},
    {"AnotherStatusIsATransition", gateway_of(old("Accepted", "False")), gateway({condition("Accepted")}),
     gateway_of(fresh("Accepted"))},
    {"ForeignConditionsStayInPlace",
     gateway_of(std::string(kForeign) + "," + old("Programmed", "False") + "," + old("Ready") + "," + old("Accepted")),
     gateway({condition("Accepted"), condition("Programmed")}),
     gateway_of(std::string(kForeign) + "," + fresh("Programmed") + "," + old("Ready") + "," + old("Accepted"))},
    {"OursThatAreNoLongerWantedGo", gateway_of(old("slipgate.dev/SourceMode") + "," + old("Accepted")),
     gateway({condition("Accepted")}), gateway_of(old("Accepted"))},
    {"ALaterGenerationIsTold", gateway_of(old("Accepted", "True", 4) + "," + old("Programmed", "False", 2)),
     gateway({condition("Accepted"), condition("Programmed")}), gateway_of(old("Accepted") + "," + fresh("Programmed")),
     true},
    {"AForeignLaterGenerationIsNothingToUs", gateway_of(std::string(kForeign) + "," + old("Accepted", "False")),
     gateway({condition("Accepted")}), gateway_of(std::string(kForeign) + "," + fresh("Accepted"))},
    {"WhatWeDoNotSetOnAGatewayIsAnothers",
     gateway_of(old("ResolvedRefs") + "," + old("Conflicted", "True", 9) + "," + old("Accepted", "False")),
     gateway({condition("Accepted")}),
     gateway_of(old("ResolvedRefs") + "," + old("Conflicted", "True", 9) + "," + fresh("Accepted"))},
    {"WhereOthersLeaveNoRoomAnOptionalConditionIsLeftOut", gateway_of(six_of_others()),
     gateway({condition("Accepted"), condition("Programmed"), condition("slipgate.dev/SourceMode")}),
     gateway_of(six_of_others() + "," + fresh("Accepted") + "," + fresh("Programmed"))},
    {"ForeignConditionsOfAListenerStayInPlace",
     gateway_of(old("Accepted"), listener_of("a", std::string(kForeign) + "," + old("Programmed", "False"))),
     gateway({condition("Accepted")}, {{"a", {}, 0, {condition("Programmed")}}}),
     gateway_of(old("Accepted"), listener_of("a", std::string(kForeign) + "," + fresh("Programmed")))},
    {"AListenersConditionThatWentGoes",
     gateway_of(old("Accepted"), listener_of("a", old("Accepted") + "," + old("Conflicted"))),
     gateway({condition("Accepted")}, {{"a", {}, 0, {condition("Accepted")}}}),
     gateway_of(old("Accepted"), listener_of("a", old("Accepted")))},
    {"ListenersComeAndGo",
     gateway_of(old("Accepted"), listener_of("gone", old("Accepted")) + "," + listener_of("b", old("Accepted"))),
     gateway({condition("Accepted")}, {{"new", {{kGatewayGroup, "TLSRoute"}}, 0, {condition("Accepted")}},
                                       {"b", {}, 0, {condition("Accepted")}}}),
     gateway_of(old("Accepted"),
                listener_of("new", fresh("Accepted"), "{group: gateway.networking.k8s.io, kind: TLSRoute}") + "," +
                    listener_of("b", old("Accepted")))},
    {"ALaterGenerationOfAListenerIsTold", gateway_of(old("Accepted"), listener_of("a", old("Accepted", "False", 4))),
     gateway({condition("Accepted")}, {{"a", {}, 0, {condition("Accepted")}}}),
     gateway_of(old("Accepted"), listener_of("a", fresh("Accepted"))), true},
    {"FieldsOfOthersStay", "{conditions: [" + old("Accepted", "False") + "], acme: {x: 1}}",
     ListenerSetStatus{{condition("Accepted")}, {}},
     "{conditions: [" + fresh("Accepted") + "], listeners: [], acme: {x: 1}}"},
    {"FeaturesAreOurs", "{conditions: [" + old("Accepted") + "], supportedFeatures: [{name: Old}]}",
     GatewayClassStatus{{condition("Accepted")}, {"A", "B"}},
     "{conditions: [" + old("Accepted") + "], supportedFeatures: [{name: A}, {name: B}]}"},
    {"ARouteWithoutAStatus", "", TlsRouteStatus{{parent("a")}}, parents_of(our_parent("a", fresh("Accepted")))},
    {"ARouteThatIsNotOursHasNone", "", TlsRouteStatus{}, ""},
    {"ForeignParentsStayInPlace",
     parents_of(foreign_parent("x") + "," + our_parent("a", old("Accepted", "False")) + "," + foreign_parent("a")),
     TlsRouteStatus{{parent("a")}},
     parents_of(foreign_parent("x") + "," + our_parent("a", fresh("Accepted")) + "," + foreign_parent("a"))},
    {"OurParentsThatAreGoneGo",
     parents_of(our_parent("gone", old("Accepted")) + "," + foreign_parent("gone") + "," +
                our_parent("a", old("Accepted"))),
     TlsRouteStatus{{parent("a")}}, parents_of(foreign_parent("gone") + "," + our_parent("a", old("Accepted")))},
    {"ALaterGenerationOfAParentThatIsGoneIsTold",
     parents_of(our_parent("gone", old("Accepted", "True", 4)) + "," + our_parent("a", old("Accepted"))),
     TlsRouteStatus{{parent("a")}}, parents_of(our_parent("a", old("Accepted"))), true},
    {"ARouteThatIsNoLongerOurs", parents_of(our_parent("a", old("Accepted"))), TlsRouteStatus{}, "{parents: []}"},
    {"TheSameParentIsThereOnce", parents_of(our_parent("a", old("Accepted")) + "," + our_parent("a", old("Accepted"))),
     TlsRouteStatus{{parent("a")}}, parents_of(our_parent("a", old("Accepted")))},
    {"AParentWithoutItsDefaultsIsTheSame",
     parents_of("{parentRef: {name: a}, controllerName: slipgate.dev/gateway-controller, conditions: [" +
                old("Accepted") + "]}"),
     TlsRouteStatus{{parent("a")}}, parents_of(our_parent("a", old("Accepted")))},
    {"ForeignConditionsOfOurParentStay",
     parents_of(our_parent("a", std::string(kForeign) + "," + old("Accepted", "False"))), TlsRouteStatus{{parent("a")}},
     parents_of(our_parent("a", std::string(kForeign) + "," + fresh("Accepted")))},
    {"ALaterGenerationOfOurParentIsTold", parents_of(our_parent("a", old("Accepted", "False", 4))),
     TlsRouteStatus{{parent("a")}}, parents_of(our_parent("a", fresh("Accepted"))), true},
    {"WhatIsNoStatusIsReplaced", "{conditions: 7, listeners: {a: b}, addresses: x}", gateway({condition("Accepted")}),
     gateway_of(fresh("Accepted"))},
};

INSTANTIATE_TEST_SUITE_P(Kube, StatusMerge, testing::ValuesIn(kCases),
                         [](const auto& c) { return std::string(c.param.name); });

TEST(StatusMergeOfParents, TakesTheRoomThatOthersLeave) {
    std::string foreign;
    for (int i = 0; i < 30; ++i) foreign += (i == 0 ? "" : ",") + foreign_parent("x" + std::to_string(i));
    const auto merged = merge_status(value(parents_of(foreign)),
                                     TlsRouteStatus{{parent("a"), parent("b"), parent("c")}}, kGeneration, kNow);
    ASSERT_TRUE(merged);
    const auto& parents = merged->status.at("parents");
    EXPECT_EQ(parents.size(), 32u);
    EXPECT_EQ(parents[29]["parentRef"]["name"], "x29");
    EXPECT_EQ(parents[31]["parentRef"]["name"], "b");
}

TEST(StatusMergeOfConditions, CutsAMessageThatIsTooLong) {
    auto accepted = condition("Accepted");
    accepted.message = std::string(40'000, 'x');
    const auto merged = merge_status({}, gateway({accepted}), kGeneration, kNow);
    EXPECT_EQ(merged->status.at("conditions")[0]["message"].get<std::string>().size(), 32768u);
}

}  // namespace
}  // namespace slipgate::kube
