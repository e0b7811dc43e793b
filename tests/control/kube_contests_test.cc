// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/contests.h"

#include <gmock/gmock.h>

#include "tests/control/kube_resources.h"

namespace slipgate::kube {
namespace {

using namespace std::chrono_literals;

class ContestsTest : public testing::Test {
  protected:
    // Each as early as it may be; the rest after the last.
    std::chrono::steady_clock::duration write(int times) {
        for (int i = 0; i < times; ++i) {
            now_ = std::max(now_, contests_.rests_until(key_, 1));
            words_ += contests_.note_write(key_, 1, now_) ? 1 : 0;
        }
        return contests_.rests_until(key_, 1) - now_;
    }

    const ObjectKey key_{&resource("tlsroutes"), "shop/r"};
    Contests contests_;
    Contests::Time now_{1000s};
    int words_ = 0;
};

TEST_F(ContestsTest, EachRestIsTwiceAsLongAsTheOneBefore) {
    EXPECT_EQ(write(1), 200ms);
    EXPECT_EQ(write(1), 400ms);
    EXPECT_EQ(write(3), 3200ms);
    EXPECT_EQ(write(100), 5min);
}

TEST_F(ContestsTest, AreWorthAWordOnce) {
    write(3);
    EXPECT_EQ(words_, 0);
    write(100);
    EXPECT_EQ(words_, 1);
}

TEST_F(ContestsTest, AnotherGenerationIsNotHeldUp) {
    write(100);
    EXPECT_LT(contests_.rests_until(key_, 2), now_);
    (void)contests_.note_write(key_, 2, now_);
    EXPECT_EQ(contests_.rests_until(key_, 2), now_ + 200ms);
}

TEST_F(ContestsTest, AnotherObjectIsNotHeldUp) {
    write(100);
    EXPECT_LT(contests_.rests_until({key_.first, "shop/other"}, 1), now_);
}

TEST_F(ContestsTest, AreForgotten) {
    write(100);
    contests_.forget(key_);
    EXPECT_LT(contests_.rests_until(key_, 1), now_);
}

TEST_F(ContestsTest, AreOverAfterATimeOfPeace) {
    write(100);
    now_ += 11min;
    EXPECT_EQ(write(1), 200ms);
}

}  // namespace
}  // namespace slipgate::kube
