// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/route_cache.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/unit/addresses.h"

namespace slipgate {
namespace {

using test::ip;

// A kernel that counts the questions.
class RouteCacheTest : public testing::Test {
  protected:
    RouteCache cache_{[this](const IpAddress&) -> Result<Route> {
        ++asked_;
        if (unreachable_) return fail("Network is unreachable");
        return Route{.ifindex = ifindex_, .source = {}, .none = {}};
    }};
    int asked_ = 0;
    int ifindex_ = 2;
    bool unreachable_ = false;
};

TEST_F(RouteCacheTest, AsksOnceForEachDestination) {
    for (int round = 0; round < 3; ++round) {
        for (const auto* text : {"10.0.0.1", "10.0.0.2", "fd00::1"}) {
            const auto route = cache_.find(ip(text));
            ASSERT_TRUE(route);
            EXPECT_EQ(route->ifindex, 2);
        }
        cache_.forget_unused();
    }
    EXPECT_EQ(asked_, 3);
    (void)cache_.find(ip("10.0.0.3"));
    EXPECT_EQ(asked_, 4);
}

TEST_F(RouteCacheTest, AsksAgainAfterAChangeOfTheNetwork) {
    (void)cache_.find(ip("10.0.0.1"));
    ifindex_ = 3;
    EXPECT_EQ(cache_.find(ip("10.0.0.1"))->ifindex, 2);
    cache_.invalidate();
    EXPECT_EQ(cache_.find(ip("10.0.0.1"))->ifindex, 3);
    EXPECT_EQ(asked_, 2);
}

TEST_F(RouteCacheTest, ForgetsWhatAReconcileDidNotAskFor) {
    (void)cache_.find(ip("10.0.0.1"));
    (void)cache_.find(ip("10.0.0.2"));
    cache_.forget_unused();
    (void)cache_.find(ip("10.0.0.1"));
    cache_.forget_unused();
    (void)cache_.find(ip("10.0.0.1"));
    EXPECT_EQ(asked_, 2);
    (void)cache_.find(ip("10.0.0.2"));
    EXPECT_EQ(asked_, 3);
}

TEST_F(RouteCacheTest, SaysWhenMostAnswersMayBeOfNoUse) {
    const auto ask = [this](int first, int count) {
        for (int n = first; n < first + count; ++n) (void)cache_.find(ip(fmt::format("10.0.{}.{}", n / 250, n % 250)));
    };
    ask(0, 2000);
    cache_.forget_unused();
    EXPECT_FALSE(cache_.is_due_to_forget());
    ask(2000, 3000);
    EXPECT_FALSE(cache_.is_due_to_forget());
    ask(5000, 1);
    EXPECT_TRUE(cache_.is_due_to_forget());
    cache_.forget_unused();
    EXPECT_FALSE(cache_.is_due_to_forget());
}

TEST_F(RouteCacheTest, FailuresAreNotKept) {
    unreachable_ = true;
    EXPECT_FALSE(cache_.find(ip("10.0.0.1")));
    unreachable_ = false;
    EXPECT_TRUE(cache_.find(ip("10.0.0.1")));
}

}  // namespace
}  // namespace slipgate
