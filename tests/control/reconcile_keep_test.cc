// SPDX-License-Identifier: Apache-2.0
// What the reconciler holds on to: endpoints whose way cannot be found out just now, and indices that an earlier agent
// gave away a moment ago.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/control/reconcile_bench.h"

namespace slipgate {
namespace {

using test::at;
using test::ip;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

RoutingTable shop_by(const std::vector<const char*>& endpoints) {
    RoutingTable table;
    auto& backend = table.backends["shop/web:443"];
    for (const auto* text : endpoints) backend.endpoints.emplace_back(at(text, 8443));
    table.routes["shop/web"].backends = {{"shop/web:443", 1}};
    table.vips[at("192.0.2.1", 443)].names = {{"shop.example.com", "shop/web"}};
    return table;
}

class ReconcileKeep : public testing::Test {
  protected:
    void restart() {
        bench_.restart();
        bench_.now += std::chrono::seconds(2);  // ranges of the last run may be used again
    }
    std::vector<std::string> endpoints() {
        const auto name = test::lookup(bench_.maps, "192.0.2.1:443", "shop.example.com", test::kSecret);
        return name && !name->shares.empty() ? name->shares[0].endpoints : std::vector<std::string>{"refused"};
    }

    test::Bench bench_;
};

TEST_F(ReconcileKeep, EndpointsStayWhileTheWayToOneIsUnknown) {
    bench_.narrow_ways[ip("10.0.0.1")] = 1300;
    ASSERT_THAT(bench_.apply(shop_by({"10.0.0.1", "10.0.0.2"})).failures, IsEmpty());
    const auto before = endpoints();
    ASSERT_EQ(before.size(), 2U);

    bench_.unknown = {ip("10.0.0.3")};
    for (const auto* agent : {"the same", "another one, that knows only the maps"}) {
        SCOPED_TRACE(agent);
        const auto report = bench_.apply(shop_by({"10.0.0.1", "10.0.0.3"}));
        EXPECT_TRUE(report.again);
        EXPECT_THAT(report.failures, ElementsAre(HasSubstr("10.0.0.3:8443: No buffer space available")));
        EXPECT_THAT(report.findings.endpoints, IsEmpty()) << "nothing is known against it";
        EXPECT_EQ(endpoints(), before);
        EXPECT_EQ(test::view(bench_.maps).at("192.0.2.1:443").mss, 1300) << "what is served fits the way to 10.0.0.1";
        restart();
    }

    bench_.unknown.clear();
    const auto report = bench_.apply(shop_by({"10.0.0.1", "10.0.0.3"}));
    EXPECT_FALSE(report.again);
    EXPECT_THAT(endpoints(), ElementsAre(HasSubstr("10.0.0.1:"), HasSubstr("10.0.0.3:")));
}

TEST_F(ReconcileKeep, ANewVipWaitsForABackendWhoseWaysAreUnknown) {
    bench_.unknown = {ip("10.0.0.1")};
    EXPECT_TRUE(bench_.apply(shop_by({"10.0.0.1"})).again);
    EXPECT_THAT(test::view(bench_.maps), IsEmpty());
    bench_.unknown.clear();
    EXPECT_FALSE(bench_.apply(shop_by({"10.0.0.1"})).again);
    EXPECT_THAT(endpoints(), ElementsAre(HasSubstr("10.0.0.1:8443")));
}

TEST_F(ReconcileKeep, AShareOfWeightZeroHoldsUpNoRoute) {
    auto table = shop_by({"10.0.0.1"});
    table.backends["shop/off:443"].endpoints.emplace_back(at("10.0.0.9", 8443));
    table.routes["shop/web"].backends.push_back({"shop/off:443", 0});
    bench_.unknown = {ip("10.0.0.9")};
    EXPECT_TRUE(bench_.apply(table).again) << "its own backend is tried again";
    EXPECT_THAT(endpoints(), ElementsAre(HasSubstr("10.0.0.1:8443")));
    bench_.unknown.clear();
    EXPECT_FALSE(bench_.apply(table).again);
    EXPECT_THAT(endpoints(), ElementsAre(HasSubstr("10.0.0.1:8443")));
}

// An opening that was under way when the old agent ended knows its backend by the index.
TEST_F(ReconcileKeep, TheNextAgentLetsIndicesOfRemovedObjectsRest) {
    ASSERT_THAT(bench_.apply(shop_by({"10.0.0.1"})).failures, IsEmpty());
    const auto routes = *bench_.maps.route_names();
    const auto backends = *bench_.maps.backend_names();
    ASSERT_EQ(routes.size(), 1U);
    ASSERT_EQ(backends.size(), 1U);
    ASSERT_THAT(bench_.apply({}).failures, IsEmpty());
    ASSERT_TRUE(bench_.maps.empty());

    restart();
    ASSERT_THAT(bench_.apply(shop_by({"10.0.0.2"})).failures, IsEmpty());
    EXPECT_NE(bench_.maps.route_names()->begin()->first, routes.begin()->first);
    EXPECT_NE(bench_.maps.backend_names()->begin()->first, backends.begin()->first);
}

}  // namespace
}  // namespace slipgate
