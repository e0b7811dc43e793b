// SPDX-License-Identifier: Apache-2.0
// What the reconciler writes, and what it does not write again.
#include "agent/datapath/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agent/datapath/route_cache.h"
#include "tests/control/reconcile_bench.h"

namespace slipgate {
namespace {

using test::at;
using test::Bench;
using test::FakeMaps;
using test::ip;
using test::kMss;
using test::kSecret;
using test::shop;
using test::take;
using test::view;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

TEST(Reconcile, TableIsReadBackAsItWas) {
    Bench bench;
    const auto report = bench.apply(shop());
    EXPECT_EQ(report.findings, Findings{});
    EXPECT_THAT(report.failures, IsEmpty());
    EXPECT_FALSE(report.again);

    const auto maps = view(bench.maps);
    ASSERT_THAT(maps, SizeIs(2));
    EXPECT_EQ(maps.at("[2001:db8::1]:443").mss, 1400);
    const auto& vip = maps.at("192.0.2.1:443");
    EXPECT_EQ(vip.mss, 1400);
    EXPECT_THAT(vip.wildcard_depths, ElementsAre(2, 3));
    const auto& shop = vip.names.at("shop.example.com");
    EXPECT_EQ(shop.route, "shop/web");
    ASSERT_THAT(shop.shares, SizeIs(2));
    EXPECT_EQ(shop.shares[0].weight, 90U);
    EXPECT_THAT(shop.shares[0].endpoints,
                ElementsAre("10.0.0.1:8443 from 10.0.0.254 mss 1400", "10.0.0.2:8443 from 10.0.0.254 mss 1400",
                            "[fd00::1]:8443 from fd00::fe mss 1400"));
    EXPECT_EQ(shop.shares[1].weight, 10U);
    EXPECT_EQ(vip.names.at("broken.example.com").shares[1].backend, "") << "an invalid backendRef keeps its share";
    EXPECT_EQ(vip.names.at("broken.example.com").shares[1].weight, 1U);
    EXPECT_EQ(vip.names.at("*.example.com").route, "");
    EXPECT_THAT(take(bench.maps.sources()), SizeIs(2));
}

TEST(Reconcile, VipAnnouncesWhatFitsInterfacesAndTheWaysToItsOwnEndpoints) {
    Bench bench;
    auto table = shop();
    table.vips[at("192.0.2.2", 443)].names = {{"*.example.com", std::nullopt}};
    bench.narrow_ways = {{ip("10.0.0.3"), 1200}, {ip("fd00::1"), 1300}};
    bench.apply(table);
    auto maps = view(bench.maps);
    EXPECT_EQ(maps.at("192.0.2.1:443").mss, 1200) << "of the beta backend";
    EXPECT_EQ(maps.at("192.0.2.2:443").mss, 1460) << "no endpoints: what the interfaces carry";
    EXPECT_EQ(maps.at("[2001:db8::1]:443").mss, 1300);

    bench.narrow_ways.clear();
    bench.apply(table);
    EXPECT_EQ(view(bench.maps).at("192.0.2.1:443").mss, 1400) << "the ways have become wider";

    (void)bench.reconciler->reconcile(table, VipMss{.ipv4 = 9000, .ipv6 = 536, .fixed = true});
    maps = view(bench.maps);
    EXPECT_EQ(maps.at("192.0.2.1:443").mss, 9000) << "as the operator wants it";
    EXPECT_EQ(maps.at("[2001:db8::1]:443").mss, 536);
}

TEST(Reconcile, SourceModeIsAFlagOfTheEndpointAndItsChangeIsAChangeOfIt) {
    Bench bench;
    auto table = shop();
    const auto endpoints = [&] {
        return view(bench.maps).at("192.0.2.1:443").names.at("shop.example.com").shares[1].endpoints;
    };
    const char* const wanted[] = {"10.0.0.3:9443 from 10.0.0.254 mss 1400",
                                  "10.0.0.3:9443 preserve from 10.0.0.254 mss 1400",
                                  "10.0.0.3:9443 preserve-only from 10.0.0.254 mss 1400"};
    for (std::size_t mode = 0; mode < kSourceModes.size(); ++mode) {
        table.backends["shop/beta:443"].endpoints = {{at("10.0.0.3", 9443), static_cast<SourceMode>(mode)}};
        EXPECT_THAT(bench.settle(table).failures, IsEmpty());
        EXPECT_THAT(endpoints(), ElementsAre(wanted[mode]));
    }
}

TEST(Reconcile, LookupFindsExactThenLongestWildcard) {
    Bench bench;
    (void)bench.apply(shop());
    const auto route = [&](const char* sni) { return bench.route(sni); };
    EXPECT_EQ(route("shop.example.com"), "shop/web");
    EXPECT_EQ(route("SHOP.Example.com"), "shop/web");
    EXPECT_EQ(route("a.apps.example.com"), "shop/web");
    EXPECT_EQ(route("a.b.apps.example.com"), "shop/web");
    EXPECT_EQ(route("other.example.com"), "");
    EXPECT_EQ(route("apps.example.com"), "");
}

TEST(Reconcile, UnchangedTableWritesNothing) {
    Bench bench;
    (void)bench.apply(shop());
    EXPECT_GT(bench.maps.writes, 0);
    bench.maps.writes = 0;
    EXPECT_FALSE(bench.apply(shop()).again);
    EXPECT_EQ(bench.maps.writes, 0);
}

// 100,000 endpoints of which one is new: one question to the kernel.
TEST(Reconcile, OnlyNewEndpointsAreAskedFor) {
    FakeMaps maps(
        {.routes = 8, .backends = 8, .weights = 8, .endpoints = 300'000, .vips = 8, .names = 8, .sources = 8});
    int asked = 0;
    RouteCache routes([&](const IpAddress&) -> Result<Route> {
        ++asked;
        return Route{.ifindex = 2, .source = IpAddress::parse("10.255.0.1"), .none = {}};
    });
    const std::vector<Interface> attached = {{.name = "up0", .ifindex = 2, .mtu = 1500}};
    const auto resolve = [&](const IpAddress& address) { return judge_way(address, routes.find(address), attached); };
    TimePoint now{std::chrono::hours(1)};
    Reconciler reconciler(maps, [&] { return now; }, resolve, kSecret, true);
    const auto apply = [&](const RoutingTable& table) {
        asked = 0;
        EXPECT_EQ(reconciler.reconcile(table, kMss).findings, Findings{});
        routes.forget_unused();
        now += std::chrono::seconds(2);
    };

    RoutingTable table;
    table.routes["shop/web"].backends = {{"shop/a:443", 1}, {"shop/b:443", 1}};
    table.vips[at("192.0.2.1", 443)].names = {{"shop.example.com", "shop/web"}};
    for (std::uint32_t i = 0; i < 100'000; ++i) {
        sg_address address = at("10.0.0.0", 0).address.to_abi();
        address.word[3] = __builtin_bswap32(0x0a000000 + i);
        table.backends[i % 2 == 0 ? "shop/a:443" : "shop/b:443"].endpoints.push_back(
            SocketAddress{IpAddress(address), 8443});
    }
    apply(table);
    EXPECT_EQ(asked, 100'000);
    apply(table);
    EXPECT_EQ(asked, 0);
    table.backends["shop/b:443"].endpoints.back() = at("10.200.0.1", 8443);
    apply(table);
    EXPECT_EQ(asked, 1);
    routes.invalidate();
    apply(table);
    EXPECT_EQ(asked, 100'000);
}

TEST(Reconcile, RestartWithUnchangedTableWritesNothing) {
    Bench bench;
    (void)bench.apply(shop());
    bench.maps.writes = 0;
    bench.restart();
    EXPECT_FALSE(bench.apply(shop()).again);
    EXPECT_EQ(bench.maps.writes, 0);
}

TEST(Reconcile, WeightChangeIsOneStorePerRoute) {
    Bench bench;
    auto table = shop();
    (void)bench.apply(table);
    bench.maps.writes = 0;
    table.routes["shop/web"].backends[0].weight = 50;
    EXPECT_FALSE(bench.apply(table).again);
    EXPECT_EQ(bench.maps.writes, 2) << "the weights, then the descriptor";
}

TEST(Reconcile, EndpointChangeIsOneStorePerBackendAndFamily) {
    Bench bench;
    auto table = shop();
    (void)bench.apply(table);
    bench.maps.writes = 0;
    table.backends["shop/web:443"].endpoints.erase(table.backends["shop/web:443"].endpoints.begin());
    EXPECT_FALSE(bench.apply(table).again);
    EXPECT_EQ(bench.maps.writes, 2);
}

TEST(Reconcile, EitherOrderOfArrivalEndsInTheSameMaps) {
    const auto both = shop();
    auto first = both;
    auto second = both;
    first.vips.erase(at("2001:db8::1", 443));
    first.routes.erase("shop/broken");
    first.vips[at("192.0.2.1", 443)].names.erase("broken.example.com");
    second.vips.erase(at("192.0.2.1", 443));

    Bench a;
    Bench b;
    (void)a.settle(first);
    (void)a.settle(both);
    (void)b.settle(second);
    (void)b.settle(both);
    EXPECT_EQ(view(a.maps), view(b.maps));
    EXPECT_THAT(view(a.maps), SizeIs(2));
}

TEST(Reconcile, RemovalEndsInEmptyMaps) {
    Bench bench;
    (void)bench.apply(shop());
    ASSERT_FALSE(bench.maps.empty());
    EXPECT_FALSE(bench.apply({}).again);
    EXPECT_TRUE(bench.maps.empty());
}

TEST(Reconcile, VipIdIsNeverUsedAgain) {
    Bench bench;
    (void)bench.apply(shop());
    std::set<std::uint32_t> before;
    for (const auto& [key, vip] : take(bench.maps.vips())) before.insert(vip.id);
    (void)bench.apply({});
    (void)bench.apply(shop());
    for (const auto& [key, vip] : take(bench.maps.vips())) EXPECT_FALSE(before.contains(vip.id));
}

}  // namespace
}  // namespace slipgate
