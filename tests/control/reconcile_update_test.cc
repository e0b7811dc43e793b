// SPDX-License-Identifier: Apache-2.0
// A table of which little is new: what is looked at again, and that it makes no difference.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "tests/control/reconcile_bench.h"

namespace slipgate {
namespace {

using test::at;
using test::Bench;
using test::ip;
using test::shop;
using test::view;

constexpr VipMss kMss{1400, 1440};  // IPv4: what the ways of the bench carry; IPv6: more

class ReconcileUpdate : public testing::Test {
  protected:
    ReconcileReport update(const RoutingTable& table) {
        bench_.now += std::chrono::seconds(2);
        return bench_.reconciler->update(table, kMss);
    }
    static RoutingTable with_endpoints(RoutingTable table, const std::string& backend,
                                       std::vector<BackendEndpoint> endpoints) {
        table.backends[backend].endpoints = std::move(endpoints);
        return table;
    }

    Bench bench_;
};

TEST_F(ReconcileUpdate, OnlyBackendsThatChangedAreAskedFor) {
    const auto table = shop();
    EXPECT_TRUE(update(table).asked_for_all) << "nothing is known before the first";
    const auto changed = with_endpoints(table, "shop/beta:443", {at("10.0.0.3", 9443), at("10.0.0.4", 9443)});
    bench_.unknown = {ip("10.0.0.1")};  // of the other backend: the question would fail
    const auto report = update(changed);
    EXPECT_FALSE(report.asked_for_all);
    EXPECT_FALSE(report.again);
    EXPECT_EQ(view(bench_.maps).at("192.0.2.1:443").names.at("shop.example.com").shares[1].endpoints.size(), 2U);
}

TEST_F(ReconcileUpdate, RoutesAndNamesThatChangedCostThoseAlone) {
    auto table = shop();
    update(table);
    const auto all = bench_.maps.writes;
    bench_.unknown = {ip("10.0.0.1"), ip("10.0.0.3")};  // of the backends: the question would fail
    table.routes["shop/web"].backends[0].weight = 1;
    table.routes["shop/new"].backends = {{"shop/beta:443", 1}};
    table.vips[at("192.0.2.1", 443)].names.put("new.example.com", "shop/new");
    EXPECT_FALSE(update(table).asked_for_all);
    const auto before = view(bench_.maps).at("192.0.2.1:443").names;
    EXPECT_EQ(before.at("new.example.com").shares[0].endpoints.size(), 1U);
    EXPECT_EQ(before.at("shop.example.com").shares[0].weight, 1U);
    EXPECT_LT(bench_.maps.writes - all, all) << "of everything";

    table.routes.erase("shop/new");
    table.vips[at("192.0.2.1", 443)].names.erase("new.example.com");
    EXPECT_FALSE(update(table).asked_for_all);
    EXPECT_EQ(test::take(bench_.maps.route_names()).size(), 2U);
}

TEST_F(ReconcileUpdate, AVipAnnouncesWhatFitsTheWaysOfItsRoutes) {
    auto table = shop();
    bench_.narrow_ways = {{ip("10.0.0.9"), 1200}};
    update(table);
    table = with_endpoints(table, "shop/beta:443", {at("10.0.0.9", 9443)});
    EXPECT_FALSE(update(table).asked_for_all);
    EXPECT_EQ(view(bench_.maps).at("192.0.2.1:443").mss, 1200);
    table.routes["shop/web"].backends.pop_back();
    EXPECT_FALSE(update(table).asked_for_all);
    EXPECT_EQ(view(bench_.maps).at("192.0.2.1:443").mss, 1400);
}

TEST_F(ReconcileUpdate, AllAreAskedForWhereTheVipsAreOthers) {
    auto table = shop();
    update(table);
    EXPECT_TRUE(bench_.reconciler->update(table, VipMss{1400, 1380}).asked_for_all) << "another MSS";
    update(table);
    table.vips.erase(at("2001:db8::1", 443));
    EXPECT_TRUE(update(table).asked_for_all);
}

TEST_F(ReconcileUpdate, WhatWasLeftToDoIsDone) {
    const auto table = shop();
    update(table);
    bench_.unknown = {ip("10.0.0.9")};
    const auto changed = with_endpoints(table, "shop/beta:443", {at("10.0.0.9", 9443)});
    EXPECT_TRUE(update(changed).again);
    bench_.unknown.clear();
    EXPECT_TRUE(update(changed).asked_for_all);
    EXPECT_EQ(view(bench_.maps).at("192.0.2.1:443").names.at("shop.example.com").shares[1].endpoints.size(), 1U);
}

TEST_F(ReconcileUpdate, SourceAddressesGoWithTheirLastEndpoint) {
    const auto table = shop();
    update(table);
    ASSERT_EQ(test::take(bench_.maps.sources()).size(), 2U);
    auto changed = with_endpoints(table, "shop/web:443", {at("fd00::1", 8443)});
    EXPECT_FALSE(update(changed).asked_for_all);
    EXPECT_EQ(test::take(bench_.maps.sources()).size(), 2U) << "the other backend's";
    changed = with_endpoints(changed, "shop/beta:443", {});
    EXPECT_FALSE(update(changed).asked_for_all);
    EXPECT_EQ(test::take(bench_.maps.sources()).size(), 1U);
}

// A table that changes at random: endpoints, routes and names, which may be one name written in two ways, or lead to
// what is not there.
class RandomTable {
  public:
    explicit RandomTable(unsigned seed) : random_(seed) {}

    RoutingTable table = shop();

    void change() {
        switch (below(6)) {
            case 0:
                return set_name(table.vips[below(3) == 0 ? at("2001:db8::1", 443) : at("192.0.2.1", 443)].names);
            case 1:
                return set_route(below(2) == 0 ? "shop/web" : "shop/other");
            default:
                (void)table.backends.put(backend(), {endpoints()});
        }
    }
    int below(int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random_); }

  private:
    void set_name(FlatNames& names) {
        static const char* const kNames[] = {"a.example.com",   "A.example.com",   "*.example.com",
                                             "b.a.example.com", "*.a.example.com", "shop.example.com"};
        static const char* const kRoutes[] = {"shop/web", "shop/broken", "shop/other"};
        const auto* name = kNames[below(6)];
        if (below(3) == 0)
            names.erase(name);
        else if (below(4) == 0)
            names.put(name, std::nullopt);
        else
            names.put(name, kRoutes[below(3)]);
    }
    void set_route(const char* name) {
        if (below(4) == 0) {
            table.routes.erase(name);
            return;
        }
        RouteEntry route;
        for (int n = 1 + below(2); n > 0; --n)
            route.backends.push_back({backend(), static_cast<std::uint32_t>(below(3))});
        table.routes.put(name, route);
        if (below(6) == 0) table.backends.erase(backend());
    }
    const char* backend() {
        static const char* const kBackends[] = {"shop/web:443", "shop/beta:443", "shop/new:443"};
        return kBackends[below(3)];
    }
    std::vector<BackendEndpoint> endpoints() {
        std::vector<BackendEndpoint> endpoints;
        for (int n = below(4); n > 0; --n) {
            const auto text = fmt::format("{}{}", below(4) == 0 ? "fd00::" : "10.0.0.", 1 + below(9));
            endpoints.emplace_back(at(text, 8443));
        }
        std::sort(endpoints.begin(), endpoints.end());
        endpoints.erase(std::unique(endpoints.begin(), endpoints.end()), endpoints.end());
        return endpoints;
    }

    std::mt19937 random_;
};

// Until there is no hope of more.
template <typename Step>
ReconcileReport settle(Bench& bench, Step step) {
    auto report = step();
    for (int seconds = 0; report.again && seconds < 400; ++seconds) {
        bench.now += std::chrono::seconds(1);
        report = step();
    }
    bench.now += std::chrono::seconds(2);
    return report;
}

// Some endpoints have no way or a narrow one, some writes fail: maps and findings are those that a reconciler comes to
// which looks at all of it each time.
TEST(ReconcileUpdateProperty, MapsAndFindingsAreThoseOfAWholeReconcile) {
    int short_ways = 0;
    for (unsigned seed = 0; seed < 200; ++seed) {
        RandomTable random(seed);
        Bench bench, whole;
        for (int n = 0; n < 3; ++n) bench.refused.insert(ip(fmt::format("10.0.0.{}", 1 + random.below(9))));
        bench.narrow_ways[ip(fmt::format("10.0.0.{}", 1 + random.below(9)))] = 1200;
        whole.refused = bench.refused;
        whole.narrow_ways = bench.narrow_ways;
        bench.maps.refuses = [&] { return random.below(40) == 0; };
        for (int step = 0; step < 40; ++step) {
            for (int n = 1 + random.below(2); n > 0; --n) random.change();
            const auto report = settle(bench, [&] { return bench.reconciler->update(random.table, kMss); });
            short_ways += report.asked_for_all ? 0 : 1;
            const auto expected = settle(whole, [&] { return whole.reconciler->reconcile(random.table, kMss); });
            ASSERT_EQ(view(bench.maps), view(whole.maps)) << "seed " << seed << ", step " << step;
            ASSERT_EQ(report.findings, expected.findings) << "seed " << seed << ", step " << step;
            ASSERT_EQ(test::take(bench.maps.sources()).size(), test::take(whole.maps.sources()).size());
            ASSERT_EQ(test::take(bench.maps.route_names()).size(), test::take(whole.maps.route_names()).size());
            ASSERT_EQ(test::take(bench.maps.backend_names()).size(), test::take(whole.maps.backend_names()).size());
        }
    }
    EXPECT_GT(short_ways, 1000) << "the samples are worth something only if this is common";
}

}  // namespace
}  // namespace slipgate
