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

TEST_F(ReconcileUpdate, AllAreAskedForWhereMoreThanEndpointsChanged) {
    const auto table = shop();
    update(table);
    EXPECT_TRUE(bench_.reconciler->update(table, VipMss{1400, 1380}).asked_for_all) << "another MSS";
    update(table);
    auto changed = table;
    changed.routes["shop/web"].backends[0].weight = 1;
    EXPECT_TRUE(update(changed).asked_for_all);
    auto fewer = changed;
    fewer.vips.erase(at("2001:db8::1", 443));
    EXPECT_TRUE(update(fewer).asked_for_all);
    bench_.narrow_ways = {{ip("10.0.0.9"), 1200}};
    const auto narrow = with_endpoints(fewer, "shop/beta:443", {at("10.0.0.9", 9443)});
    EXPECT_TRUE(update(narrow).asked_for_all) << "the VIP has to announce less";
    EXPECT_EQ(view(bench_.maps).at("192.0.2.1:443").mss, 1200);
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

// Endpoints, now and then a weight or a name, at random; some endpoints have no way, some writes fail: maps and
// findings are those that a reconciler comes to which looks at all of it each time.
TEST(ReconcileUpdateProperty, MapsAndFindingsAreThoseOfAWholeReconcile) {
    int short_ways = 0;
    for (unsigned seed = 0; seed < 100; ++seed) {
        std::mt19937 random(seed);
        const auto below = [&](int limit) { return std::uniform_int_distribution<int>(0, limit - 1)(random); };
        Bench bench, whole;
        for (int n = 0; n < 3; ++n) bench.refused.insert(ip(fmt::format("10.0.0.{}", 1 + below(9))));
        whole.refused = bench.refused;
        bench.maps.refuses = [&] { return below(40) == 0; };
        auto table = shop();
        for (int step = 0; step < 40; ++step) {
            const char* const names[] = {"shop/web:443", "shop/beta:443"};
            std::vector<BackendEndpoint> endpoints;
            for (int n = below(4); n > 0; --n) {
                const auto text = fmt::format("{}{}", below(4) == 0 ? "fd00::" : "10.0.0.", 1 + below(9));
                endpoints.emplace_back(at(text, 8443));
            }
            std::sort(endpoints.begin(), endpoints.end());
            endpoints.erase(std::unique(endpoints.begin(), endpoints.end()), endpoints.end());
            auto next = table;
            next.backends.put(names[below(2)], {endpoints});
            if (below(8) == 0) next.routes["shop/web"].backends[0].weight = static_cast<std::uint32_t>(below(3));
            if (below(12) == 0) next.vips[at("192.0.2.1", 443)].names.erase("broken.example.com");
            table = next;
            auto report = bench.reconciler->update(table, kMss);
            for (int n = 0; report.again && n < 400; ++n) {
                bench.now += std::chrono::seconds(1);
                report = bench.reconciler->update(table, kMss);
            }
            short_ways += report.asked_for_all ? 0 : 1;
            auto expected = whole.reconciler->reconcile(table, kMss);
            for (int n = 0; expected.again && n < 400; ++n) {
                whole.now += std::chrono::seconds(1);
                expected = whole.reconciler->reconcile(table, kMss);
            }
            ASSERT_EQ(view(bench.maps), view(whole.maps)) << "seed " << seed << ", step " << step;
            ASSERT_EQ(report.findings, expected.findings) << "seed " << seed << ", step " << step;
            ASSERT_EQ(test::take(bench.maps.sources()).size(), test::take(whole.maps.sources()).size());
            whole.now += std::chrono::seconds(2);
            bench.now += std::chrono::seconds(2);
        }
    }
    EXPECT_GT(short_ways, 1000) << "the samples are worth something only if this is common";
}

}  // namespace
}  // namespace slipgate
