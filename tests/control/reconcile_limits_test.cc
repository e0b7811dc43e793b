// SPDX-License-Identifier: Apache-2.0
// What the reconciler cannot place: it is named, and the rest goes on.
#include "agent/datapath/reconcile.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/control/reconcile_bench.h"

namespace slipgate {
namespace {

using test::at;
using test::Bench;
using test::ip;
using test::kSecret;
using test::shop;
using test::take;
using test::view;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::SizeIs;

using Cause = UnplacedPart::Cause;

TEST(Reconcile, RefusedEndpointIsLeftOutAndNamed) {
    Bench bench;
    bench.refused.insert(ip("10.0.0.2"));
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
    table.vips[at("192.0.2.1", 443)].names.put("a..b", "shop/web");
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
    EXPECT_THAT(adopted.error().message, HasSubstr("overlaps"));
}

}  // namespace
}  // namespace slipgate
