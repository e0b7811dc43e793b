// SPDX-License-Identifier: Apache-2.0
#include "agent/app/changes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/model/conditions.h"
#include "tests/unit/addresses.h"

namespace slipgate {
namespace {

using test::at;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

RoutingTable table() {
    RoutingTable t;
    t.vips[at("192.0.2.1", 443)].names = {{"*.example.com", "shop/web"}, {"a.example.com", std::nullopt}};
    t.routes["shop/web"].backends = {{"shop/v1:443", 9}, {std::nullopt, 1}};
    t.backends["shop/v1:443"].endpoints = {at("10.0.0.1", 8443), at("10.0.0.2", 8443)};
    return t;
}

TEST(TableChanges, NoneBetweenEqualTables) {
    EXPECT_THAT(compare(table(), table()), IsEmpty());
}

TEST(TableChanges, FirstTableIsAllAdded) {
    EXPECT_THAT(
        compare(RoutingTable{}, table()),
        ElementsAre(TableChange{"added", "vip", "192.0.2.1:443", "2 hostnames"},
                    TableChange{"added", "hostname", "192.0.2.1:443 *.example.com", "route shop/web"},
                    TableChange{"added", "hostname", "192.0.2.1:443 a.example.com", "no route"},
                    TableChange{"added", "route", "shop/web", "shop/v1:443 weight 9, invalid weight 1"},
                    TableChange{"added", "backend", "shop/v1:443", "2 endpoints +10.0.0.1:8443 +10.0.0.2:8443"}));
}

TEST(TableChanges, RemovedVipTakesItsNamesAlong) {
    EXPECT_THAT(compare(table(), RoutingTable{}), ElementsAre(TableChange{"removed", "vip", "192.0.2.1:443", ""},
                                                              TableChange{"removed", "route", "shop/web", ""},
                                                              TableChange{"removed", "backend", "shop/v1:443", ""}));
}

TEST(TableChanges, EachKindOfChange) {
    auto after = table();
    after.vips[at("192.0.2.1", 443)].names = {{"*.example.com", "shop/other"}, {"b.example.com", "shop/web"}};
    after.routes["shop/web"].backends = {{"shop/v1:443", 1}};
    after.backends["shop/v1:443"].endpoints = {at("10.0.0.2", 8443)};
    EXPECT_THAT(compare(table(), after),
                ElementsAre(TableChange{"changed", "hostname", "192.0.2.1:443 *.example.com", "route shop/other"},
                            TableChange{"removed", "hostname", "192.0.2.1:443 a.example.com", ""},
                            TableChange{"added", "hostname", "192.0.2.1:443 b.example.com", "route shop/web"},
                            TableChange{"changed", "route", "shop/web", "shop/v1:443 weight 1"},
                            TableChange{"changed", "backend", "shop/v1:443", "1 endpoint -10.0.0.1:8443"}));
}

TEST(TableChanges, ManyEndpointsMakeNoLongLine) {
    auto after = table();
    for (std::uint16_t port = 1; port <= 20; port++)
        after.backends["shop/v1:443"].endpoints.push_back(at("10.0.0.3", port));
    const auto changes = compare(table(), after);
    ASSERT_EQ(changes.size(), 1u);
    EXPECT_EQ(changes[0].detail.find("22 endpoints +10.0.0.3:1 "), 0u);
    EXPECT_TRUE(changes[0].detail.ends_with(" +10.0.0.3:8 +12 more")) << changes[0].detail;
}

Condition condition(std::string type, std::string status, std::string reason) {
    return {std::move(type), std::move(status), std::move(reason), "message", 1};
}

Statuses statuses() {
    Statuses s;
    s.gateway_classes["slipgate"].conditions = {condition("Accepted", "True", "Accepted")};
    auto& gateway = s.gateways["shop/gw"];
    gateway.conditions = {condition("Programmed", "True", "Programmed")};
    gateway.listeners.resize(1);
    gateway.listeners[0].name = "tls";
    gateway.listeners[0].conditions = {condition("Conflicted", "False", "NoConflicts")};
    auto& set = s.listener_sets["shop/gw"];
    set.conditions = {condition("Programmed", "True", "Programmed")};
    set.listeners = {{"tls", {}, 0, {condition("Accepted", "True", "Accepted")}}};
    auto& route = s.tls_routes["shop/web"];
    route.parents.resize(1);
    route.parents[0].parent_ref.name = "gw";
    route.parents[0].parent_ref.section_name = "tls";
    route.parents[0].conditions = {condition("ResolvedRefs", "True", "ResolvedRefs")};
    return s;
}

TEST(ConditionChanges, NewGenerationAloneIsNone) {
    auto after = statuses();
    after.gateways["shop/gw"].conditions[0].observed_generation = 2;
    EXPECT_THAT(compare(statuses(), after), IsEmpty());
}

TEST(ConditionChanges, NameObjectAndPart) {
    auto after = statuses();
    after.gateways["shop/gw"].listeners[0].conditions[0] = condition("Conflicted", "True", "HostnameConflict");
    after.tls_routes["shop/web"].parents[0].conditions[0] = condition("ResolvedRefs", "False", "BackendNotFound");
    EXPECT_THAT(compare(statuses(), after),
                ElementsAre(ConditionChange{"Gateway", "shop/gw", "listener tls",
                                            condition("Conflicted", "True", "HostnameConflict")},
                            ConditionChange{"TLSRoute", "shop/web", "parent gw tls",
                                            condition("ResolvedRefs", "False", "BackendNotFound")}));
    EXPECT_EQ(compare(Statuses{}, statuses()).size(), 6u);
}

TEST(ConditionChanges, OfAListenerSetAreNotThoseOfTheGatewayOfItsName) {
    auto before = statuses();
    auto& parents = before.tls_routes["shop/web"].parents;
    parents.push_back(parents[0]);
    parents[1].parent_ref.kind = "ListenerSet";
    auto after = before;
    after.listener_sets["shop/gw"].conditions[0] = condition("Programmed", "False", "ParentNotProgrammed");
    after.listener_sets["shop/gw"].listeners[0].conditions[0] = condition("Accepted", "False", "PortUnavailable");
    after.tls_routes["shop/web"].parents[1].conditions[0] = condition("ResolvedRefs", "False", "BackendNotFound");
    EXPECT_THAT(compare(before, after),
                ElementsAre(ConditionChange{"ListenerSet", "shop/gw", "", after.listener_sets["shop/gw"].conditions[0]},
                            ConditionChange{"ListenerSet", "shop/gw", "listener tls",
                                            after.listener_sets["shop/gw"].listeners[0].conditions[0]},
                            ConditionChange{"TLSRoute", "shop/web", "parent ListenerSet gw tls",
                                            after.tls_routes["shop/web"].parents[1].conditions[0]}));
}

TEST(ConditionChanges, BadOneThatGoesIsToldAndAGoodOneIsNot) {
    auto before = statuses();
    before.tls_routes["shop/web"].parents[0].conditions.push_back(
        condition("slipgate.dev/EndpointsExcluded", "True", "NoRoute"));
    EXPECT_THAT(compare(before, statuses()),
                ElementsAre(ConditionChange{"TLSRoute",
                                            "shop/web",
                                            "parent gw tls",
                                            {"slipgate.dev/EndpointsExcluded", "absent", "", "over: message", 0}}));
    EXPECT_FALSE(is_bad(compare(before, statuses())[0].condition));
    EXPECT_THAT(compare(before, Statuses{}), IsEmpty()) << "gone with the object";
    before = statuses();
    before.tls_routes["shop/web"].parents[0].conditions.push_back(condition("Accepted", "True", "Accepted"));
    EXPECT_THAT(compare(before, statuses()), IsEmpty());
}

TEST(ConditionChanges, PolarityDecidesWhatIsBad) {
    EXPECT_TRUE(is_bad(condition("slipgate.dev/EndpointsExcluded", "True", "NoRoute")));
    EXPECT_FALSE(is_bad(condition("Accepted", "True", "Accepted")));
    EXPECT_TRUE(is_bad(condition("Accepted", "False", "UnsupportedValue")));
    EXPECT_FALSE(is_bad(condition("Conflicted", "False", "NoConflicts")));
    EXPECT_TRUE(is_bad(condition("Conflicted", "True", "HostnameConflict")));
    EXPECT_TRUE(is_bad(condition("slipgate.dev/NotProgrammed", "True", "NoResources")));
    EXPECT_FALSE(is_bad(condition("slipgate.dev/SourceMode", "True", "Preserve")));
    EXPECT_TRUE(is_bad(condition("slipgate.dev/SourceMode", "False", "InvalidValue")));
    EXPECT_FALSE(is_bad(condition("OverlappingTLSConfig", "True", "OverlappingHostnames")));
    EXPECT_FALSE(is_bad(condition("Programmed", "Unknown", "Pending")));
}

TEST(ConditionChanges, ObjectsWithSeveralBadConditionsCountOnce) {
    auto s = statuses();
    EXPECT_THAT(count_bad(s), IsEmpty());
    s.gateways["shop/gw"].conditions[0].status = "False";
    s.gateways["shop/gw"].listeners[0].conditions[0].status = "True";
    s.tls_routes["shop/web"].parents[0].conditions[0].status = "False";
    EXPECT_THAT(count_bad(s), ElementsAre(Pair("Gateway", 1u), Pair("TLSRoute", 1u)));
}

}  // namespace
}  // namespace slipgate
