// SPDX-License-Identifier: Apache-2.0
#include "agent/app/event_loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <memory>
#include <thread>

#include "agent/app/signals.h"
#include "agent/base/backoff.h"
#include "agent/base/timer.h"

namespace slipgate {
namespace {

using namespace std::chrono_literals;

class Loop : public testing::Test {
  protected:
    void SetUp() override {
        auto created = EventLoop::create();
        ASSERT_TRUE(created) << created.error().message;
        loop_ = std::move(*created);
    }
    std::unique_ptr<EventLoop> loop_;
};

TEST_F(Loop, CallsAsLongAsThereIsSomethingToRead) {
    std::array<int, 2> ends;
    ASSERT_EQ(::pipe(ends.data()), 0);
    const Fd reader(ends[0]), writer(ends[1]);
    ASSERT_EQ(::write(writer.get(), "abc", 3), 3);
    std::string seen;
    ASSERT_TRUE(loop_->watch(reader.get(), [&] {
        char c = 0;
        ASSERT_EQ(::read(reader.get(), &c, 1), 1);
        seen += c;
        if (seen.size() == 3) loop_->stop();
    }));
    ASSERT_TRUE(loop_->run());
    EXPECT_EQ(seen, "abc");
}

TEST_F(Loop, LeavesADescriptorAloneForItsRest) {
    std::array<int, 2> ends;
    ASSERT_EQ(::pipe(ends.data()), 0);
    const Fd reader(ends[0]), writer(ends[1]);
    const Fd other_reader(::dup(reader.get()));
    ASSERT_EQ(::write(writer.get(), "a", 1), 1);  // readable for ever
    int resting_long = 0, resting_shortly = 0;
    ASSERT_TRUE(loop_->watch(reader.get(), [&] { resting_long++; }, 1h));
    ASSERT_TRUE(loop_->watch(
        other_reader.get(),
        [&] {
            if (++resting_shortly == 3) loop_->stop();
        },
        1ms));
    ASSERT_TRUE(loop_->run());
    EXPECT_EQ(resting_long, 1);
    EXPECT_EQ(resting_shortly, 3);
}

TEST_F(Loop, RefusesADescriptorThatIsNotOpen) {
    EXPECT_FALSE(loop_->watch(-1, [] {}));
}

TEST_F(Loop, RunsTasksOfOtherThreadsInOrderOnItsOwn) {
    std::vector<int> order;
    std::thread poster([&] {
        for (int i = 0; i < 1000; i++) loop_->post([&, i] { order.push_back(i); });
        loop_->post([&] { loop_->stop(); });
    });
    ASSERT_TRUE(loop_->run());
    poster.join();
    ASSERT_EQ(order.size(), 1000u);
    EXPECT_TRUE(std::is_sorted(order.begin(), order.end()));
}

TEST_F(Loop, DestroysTasksThatComeAfterItsEnd) {
    const auto owned = std::make_shared<int>(1);
    loop_->stop();
    loop_->post([owned] { FAIL(); });
    ASSERT_TRUE(loop_->run());
    loop_->post([owned] { FAIL(); });
    EXPECT_EQ(owned.use_count(), 1);
}

TEST_F(Loop, TimerFiresOnceOrAgainAndAgain) {
    auto once = Timer::create();
    auto often = Timer::create();
    ASSERT_TRUE(once && often);
    int fired_once = 0, fired_often = 0;
    ASSERT_TRUE(loop_->watch(once->fd(), [&] {
        once->acknowledge();
        fired_once++;
    }));
    ASSERT_TRUE(loop_->watch(often->fd(), [&] {
        often->acknowledge();
        if (++fired_often == 5) loop_->stop();
    }));
    once->start(0ms);
    often->start(1ms, 1ms);
    ASSERT_TRUE(loop_->run());
    EXPECT_EQ(fired_once, 1);
    EXPECT_EQ(fired_often, 5);
}

TEST(Backoff, DoublesUpToALimitAndStartsAnew) {
    Backoff backoff;
    EXPECT_EQ(backoff.next(), 200ms);
    EXPECT_EQ(backoff.next(), 400ms);
    EXPECT_EQ(backoff.next(), 800ms);
    for (int i = 0; i < 100; i++) EXPECT_LE(backoff.next(), 30s);
    EXPECT_EQ(backoff.next(), 30s);
    backoff.reset();
    EXPECT_EQ(backoff.next(), 200ms);
}

TEST_F(Loop, SignalsAreReadNotDelivered) {
    auto signals = Signals::block({SIGTERM, SIGHUP});
    ASSERT_TRUE(signals) << signals.error().message;
    EXPECT_EQ(signals->read(), 0);
    ASSERT_EQ(::raise(SIGHUP), 0);
    ASSERT_EQ(::raise(SIGTERM), 0);
    std::vector<int> seen;
    ASSERT_TRUE(loop_->watch(signals->fd(), [&] {
        seen.push_back(signals->read());
        if (seen.size() == 2) loop_->stop();
    }));
    ASSERT_TRUE(loop_->run());
    std::sort(seen.begin(), seen.end());
    EXPECT_EQ(seen, (std::vector{SIGHUP, SIGTERM}));
}

}  // namespace
}  // namespace slipgate
