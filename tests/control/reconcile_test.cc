// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <memory>

#include "agent/datapath/route_cache.h"
#include "tests/control/fake_maps.h"
#include "tests/control/map_view.h"

namespace slipgate {
namespace {

using test::FakeMaps;
using test::lookup;
using test::MapView;
using test::take;
using test::view;
using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

using Cause = UnplacedPart::Cause;

constexpr NameSecret kSecret{0x0706050403020100, 0x0f0e0d0c0b0a0908};
constexpr VipMss kMss{1460, 1440};

SocketAddress at(const char* address, std::uint16_t port) {
    return {*IpAddress::parse(address), port};
}

// The maps, a clock and the reconciler of one run of the agent after another.
class Bench {
  public:
    explicit Bench(Maps::Capacity capacity = FakeMaps::kRoomy) : maps(capacity) { restart(true); }

    void restart(bool fresh_maps = false) {
        const auto resolve = [this](const IpAddress& address) -> tl::expected<EndpointWay, NoWay> {
            if (refused.contains(address)) return tl::unexpected(NoWay{Exclusion::kNoRoute, "says the test"});
            const auto narrow = narrow_ways.find(address);
            return EndpointWay{*IpAddress::parse(address.is_ipv6() ? "fd00::fe" : "10.0.0.254"),
                               narrow == narrow_ways.end() ? std::uint16_t{1400} : narrow->second};
        };
        reconciler = std::make_unique<Reconciler>(maps, [this] { return now; }, resolve, kSecret, fresh_maps);
        EXPECT_TRUE(reconciler->adopt());
    }
    ReconcileReport apply(const RoutingTable& table) { return reconciler->reconcile(table, kMss); }
    // As the agent does: again, second by second, as long as there is hope.
    ReconcileReport settle(const RoutingTable& table, int seconds = 400) {
        auto report = apply(table);
        while (report.again && seconds-- > 0) {
            now += std::chrono::seconds(1);
            report = apply(table);
        }
        return report;
    }

    // Where the first VIP of shop() leads a client; empty: refused.
    std::string route(const char* sni) {
        const auto name = lookup(maps, "192.0.2.1:443", sni, kSecret);
        return name ? name->route : "no VIP";
    }

    FakeMaps maps;
    TimePoint now{std::chrono::hours(1)};
    std::set<IpAddress> refused;
    std::map<IpAddress, std::uint16_t> narrow_ways;  // MSS of the way, where it is not 1400
    std::unique_ptr<Reconciler> reconciler;
};

RoutingTable shop() {
    RoutingTable table;
    table.backends["shop/web:443"].endpoints = {at("10.0.0.1", 8443), at("10.0.0.2", 8443), at("fd00::1", 8443)};
    table.backends["shop/beta:443"].endpoints = {at("10.0.0.3", 9443)};
    table.routes["shop/web"].backends = {{"shop/web:443", 90}, {"shop/beta:443", 10}};
    table.routes["shop/broken"].backends = {{"shop/web:443", 1}, {std::nullopt, 1}};
    table.vips[at("192.0.2.1", 443)].names = {{"shop.example.com", "shop/web"},
                                              {"*.apps.example.com", "shop/web"},
                                              {"broken.example.com", "shop/broken"},
                                              {"*.example.com", std::nullopt}};
    table.vips[at("2001:db8::1", 443)].names = {{"shop.example.com", "shop/web"}};
    return table;
}

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
    bench.narrow_ways = {{*IpAddress::parse("10.0.0.3"), 1200}, {*IpAddress::parse("fd00::1"), 1300}};
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

TEST(Reconcile, RefusedEndpointIsLeftOutAndNamed) {
    Bench bench;
    bench.refused.insert(*IpAddress::parse("10.0.0.2"));
    const auto report = bench.apply(shop());
    EXPECT_THAT(report.findings.endpoints, ElementsAre(ExcludedEndpoint{"shop/web:443", at("10.0.0.2", 8443),
                                                                        Exclusion::kNoRoute, "says the test"}));
    EXPECT_THAT(report.findings.parts, IsEmpty());
    EXPECT_THAT(view(bench.maps).at("192.0.2.1:443").names.at("shop.example.com").shares[0].endpoints, SizeIs(2));

    bench.refused.clear();
    EXPECT_EQ(bench.settle(shop()).findings, Findings{});
    EXPECT_THAT(view(bench.maps).at("192.0.2.1:443").names.at("shop.example.com").shares[0].endpoints, SizeIs(3));
}

TEST(Reconcile, EndpointThatIsAVipIsRefused) {
    Bench bench;
    auto table = shop();
    table.backends["shop/beta:443"].endpoints = {at("192.0.2.1", 443)};
    EXPECT_THAT(bench.apply(table).findings.endpoints,
                ElementsAre(ExcludedEndpoint{"shop/beta:443", at("192.0.2.1", 443), Exclusion::kGatewayAddress, ""}));
}

TEST(Reconcile, FullMapNamesTheObjectAndTheRestGoesOn) {
    Bench bench(
        {.routes = 64, .backends = 64, .weights = 2, .endpoints = 512, .vips = 16, .names = 256, .sources = 16});
    const auto report = bench.apply(shop());  // two routes of two shares: one fits
    EXPECT_THAT(report.findings.parts,
                ElementsAre(UnplacedPart{TablePart::of_route("shop/web"), Cause::kNoRoom, "the map weights is full"}));
    EXPECT_FALSE(report.again);
    const auto route = [&](const char* sni) { return bench.route(sni); };
    EXPECT_EQ(route("broken.example.com"), "shop/broken");
    EXPECT_EQ(route("shop.example.com"), "") << "refused, not left to a wildcard";
}

TEST(Reconcile, VipThatDoesNotFitIsNamed) {
    Bench bench({.routes = 64, .backends = 64, .weights = 64, .endpoints = 64, .vips = 1, .names = 256, .sources = 16});
    const auto report = bench.apply(shop());
    EXPECT_THAT(report.findings.parts, ElementsAre(UnplacedPart{TablePart::of_vip(at("2001:db8::1", 443)),
                                                                Cause::kNoRoom, "the map vips is full"}));
    EXPECT_THAT(view(bench.maps), SizeIs(1));
}

TEST(Reconcile, SourceAddressThatDoesNotFitExcludesTheEndpoint) {
    Bench bench({.routes = 64, .backends = 64, .weights = 64, .endpoints = 64, .vips = 16, .names = 256, .sources = 1});
    EXPECT_THAT(bench.apply(shop()).findings.endpoints,
                ElementsAre(ExcludedEndpoint{"shop/web:443", at("fd00::1", 8443), Exclusion::kNoResources,
                                             "the map sources is full"}));
}

TEST(Reconcile, WhatTheKernelRefusesIsPendingUntilItIsThere) {
    Bench bench;
    bench.maps.refuses = [] { return true; };
    const auto refused = bench.apply(shop());
    EXPECT_TRUE(refused.again);
    EXPECT_THAT(refused.findings.parts, Contains(UnplacedPart{TablePart::of_vip(at("192.0.2.1", 443)), Cause::kPending,
                                                              "waits for its names"}));
    for (const auto& unplaced : refused.findings.parts) EXPECT_EQ(unplaced.cause, Cause::kPending) << unplaced.detail;
    bench.maps.refuses = [] { return false; };
    EXPECT_EQ(bench.settle(shop()).findings, Findings{});
}

TEST(Reconcile, NameThatDoesNotFitIsNotLeftToAWildcard) {
    Bench bench({.routes = 64, .backends = 64, .weights = 64, .endpoints = 64, .vips = 16, .names = 1, .sources = 16});
    RoutingTable table;
    table.routes["a/one"].backends = {{std::nullopt, 1}};
    table.routes["b/wide"].backends = {{std::nullopt, 1}};
    table.vips[at("192.0.2.1", 443)].names = {
        {"a.example.com", "a/one"}, {"b.example.com", "a/one"}, {"*.example.com", "b/wide"}};
    const auto report = bench.apply(table);
    EXPECT_THAT(report.findings.parts, SizeIs(2));
    EXPECT_EQ(bench.route("a.example.com"), "a/one");
    EXPECT_EQ(bench.route("b.example.com"), "");
}

TEST(Reconcile, RoomThatIsFreedIsUsedAfterItsRest) {
    Bench bench(
        {.routes = 64, .backends = 64, .weights = 2, .endpoints = 512, .vips = 16, .names = 256, .sources = 16});
    auto table = shop();
    (void)bench.apply(table);
    table.routes.erase("shop/broken");
    table.vips[at("192.0.2.1", 443)].names.erase("broken.example.com");
    const auto report = bench.apply(table);
    EXPECT_TRUE(report.again);
    const auto at_once = bench.apply(table);
    EXPECT_TRUE(at_once.again);
    EXPECT_THAT(at_once.failures, IsEmpty()) << "nothing has failed: no error in the log";
    EXPECT_THAT(at_once.findings.parts, Contains(UnplacedPart{TablePart::of_route("shop/web"), Cause::kPending,
                                                              "the room there is was in use a moment ago: tried again "
                                                              "each second"}));
    EXPECT_EQ(bench.route("shop.example.com"), "");
    EXPECT_EQ(bench.settle(table, 3).findings, Findings{});
    EXPECT_EQ(bench.route("shop.example.com"), "shop/web");
}

TEST(Reconcile, BadObjectsAreNamedAndTheRestGoesOn) {
    Bench bench;
    auto table = shop();
    table.routes["shop/big"].backends.assign(17, {"shop/web:443", 1});
    table.routes["shop/dangling"].backends = {{"shop/nothing:1", 1}};
    table.vips[at("192.0.2.1", 443)].names.emplace("a..b", "shop/web");
    EXPECT_THAT(
        bench.apply(table).findings.parts,
        ElementsAre(UnplacedPart{TablePart::of_route("shop/big"), Cause::kNoRoom, "has more than 16 backendRefs"},
                    UnplacedPart{TablePart::of_route("shop/dangling"), Cause::kInvalid,
                                 "its backend shop/nothing:1 is not in the table"},
                    UnplacedPart{TablePart::of_name(at("192.0.2.1", 443), "a..b"), Cause::kInvalid, "no host name"}));
    EXPECT_EQ(bench.route("shop.example.com"), "shop/web");
}

TEST(Reconcile, AdoptionRefusesOverlappingRanges) {
    Bench bench;
    (void)bench.apply(shop());
    const auto routes = take(bench.maps.route_names());
    ASSERT_GE(routes.size(), 2U);
    const auto range = take(bench.maps.route(routes.begin()->first));
    ASSERT_TRUE(bench.maps.set_route(std::next(routes.begin())->first, range));
    Reconciler next(bench.maps, [&] { return bench.now; }, {}, kSecret, false);
    const auto adopted = next.adopt();
    ASSERT_FALSE(adopted);
    EXPECT_THAT(adopted.error().message, testing::HasSubstr("overlaps"));
}

}  // namespace
}  // namespace slipgate
