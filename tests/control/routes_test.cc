// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/routes.h"

#include <gtest/gtest.h>

#include "tests/unit/addresses.h"

namespace slipgate {
namespace {

using test::ip;

const std::vector<Interface> kAttached = {{.name = "up0", .ifindex = 2, .mtu = 1500},
                                          {.name = "vx0", .ifindex = 3, .mtu = 1450}};

// A route by up0 from 10.0.0.254, which the tests change.
Route by_up0() {
    return {.ifindex = 2, .source = ip("10.0.0.254"), .none = {}};
}

Route no_route() {
    Route route;
    route.none = "Network is unreachable";
    return route;
}

TEST(JudgeWay, SourceIsThatOfTheRouteAndTheSmallestMtuCounts) {
    auto route = by_up0();
    auto way = judge_way(ip("10.0.0.1"), route, kAttached);
    ASSERT_TRUE(way);
    EXPECT_EQ(way->source, ip("10.0.0.254"));
    EXPECT_EQ(way->mss, 1460);
    route.ifindex = 3;
    EXPECT_EQ(judge_way(ip("10.0.0.1"), route, kAttached)->mss, 1410);
    EXPECT_EQ(judge_way(ip("fd00::1"), route, kAttached)->mss, 1390);
    route.mtu = 1400;
    EXPECT_EQ(judge_way(ip("10.0.0.1"), route, kAttached)->mss, 1360);
    route.mtu = 9000;
    EXPECT_EQ(judge_way(ip("10.0.0.1"), route, kAttached)->mss, 1410);
}

TEST(JudgeWay, EveryExclusionIsNamed) {
    const auto local = Route{.local = true, .ifindex = 1, .source = ip("10.0.0.254"), .none = {}};
    const auto broadcast = Route{.broadcast = true, .ifindex = 2, .source = ip("10.0.0.254"), .none = {}};
    const auto elsewhere = Route{.ifindex = 9, .source = ip("10.0.0.254"), .none = {}};
    const auto without_source = Route{.ifindex = 2, .source = {}, .none = {}};
    const struct {
        const char* endpoint;
        Result<Route> route;
        Exclusion expected;
    } cases[] = {
        {"0.0.0.0", by_up0(), Exclusion::kUnspecifiedAddress},
        {"::", by_up0(), Exclusion::kUnspecifiedAddress},
        {"127.0.0.1", by_up0(), Exclusion::kLoopbackAddress},
        {"::1", by_up0(), Exclusion::kLoopbackAddress},
        {"169.254.1.1", by_up0(), Exclusion::kLinkLocalAddress},
        {"fe80::1", by_up0(), Exclusion::kLinkLocalAddress},
        {"224.0.0.1", by_up0(), Exclusion::kMulticastAddress},
        {"255.255.255.255", by_up0(), Exclusion::kMulticastAddress},
        {"ff02::1", by_up0(), Exclusion::kMulticastAddress},
        {"10.0.0.1", no_route(), Exclusion::kNoRoute},
        {"10.0.0.254", local, Exclusion::kLocalAddress},
        {"10.0.0.255", broadcast, Exclusion::kBroadcastAddress},
        {"10.0.0.1", elsewhere, Exclusion::kInterfaceNotAttached},
        {"10.0.0.1", without_source, Exclusion::kNoSourceAddress},
    };
    for (const auto& [endpoint, route, expected] : cases) {
        const auto way = judge_way(ip(endpoint), route, kAttached);
        ASSERT_FALSE(way) << endpoint;
        ASSERT_TRUE(way.error().exclusion) << endpoint;
        EXPECT_EQ(text_of(*way.error().exclusion).reason, text_of(expected).reason) << endpoint;
    }
    EXPECT_EQ(judge_way(ip("10.0.0.1"), no_route(), kAttached).error().detail, "Network is unreachable");
}

TEST(JudgeWay, AQuestionThatFailedSaysNothingOfTheEndpoint) {
    const auto way = judge_way(ip("10.0.0.1"), fail("netlink answer: No buffer space available"), kAttached);
    ASSERT_FALSE(way);
    EXPECT_FALSE(way.error().exclusion);
    EXPECT_EQ(way.error().detail, "netlink answer: No buffer space available");
}

}  // namespace
}  // namespace slipgate
