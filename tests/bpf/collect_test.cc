// SPDX-License-Identifier: Apache-2.0
// Connections that ended, from their last packet to the removal of their entries.
#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "agent/datapath/gc.h"
#include "tests/bpf/connection.h"

namespace slipgate::test {
namespace {

class CollectTest : public SpliceBench {
  protected:
    void SetUp() override {
        options.closing_time = std::chrono::seconds(1);
        SpliceBench::SetUp();
    }
    void open_and_close(Connection& c) {
        ASSERT_NO_FATAL_FAILURE(c.establish());
        ASSERT_NO_FATAL_FAILURE(c.close());
    }
    bool is_there(const Connection& c) {
        return flow(c.packet(Side::kClient, kAck)).has_value() || flow(c.packet(Side::kEndpoint, kAck)).has_value();
    }
};

TEST_F(CollectTest, AnEventIsEnoughAndTheNextWalkFindsTheRest) {
    ASSERT_TRUE(datapath().tick()) << "a walk: the next one is steps away";
    std::vector<Connection> told, untold;
    for (const auto* family : kFamilies) {
        told.emplace_back(*this, *family, std::uint16_t{20000});
        ASSERT_NO_FATAL_FAILURE(open_and_close(told.back()));
    }
    const auto events = datapath().read_events([](const ConnectionEvent&) {});
    ASSERT_TRUE(events);
    ASSERT_EQ(*events, told.size());
    ASSERT_TRUE(datapath().tick());
    for (const auto& c : told) EXPECT_TRUE(is_there(c)) << c.family.name << ": its closing time is not over";
    for (const auto* family : kFamilies) {
        untold.emplace_back(*this, *family, std::uint16_t{20001});
        ASSERT_NO_FATAL_FAILURE(open_and_close(untold.back()));
    }

    // The closing time and two units of SG_SECONDS (kEndedSlack in gc.cc), about 3.2 s, are over then. It waits by the
    // clock, for each look would be a tick, and so a step towards the next walk.
    std::this_thread::sleep_for(std::chrono::seconds(4));
    ASSERT_TRUE(datapath().tick());
    for (const auto& c : told) EXPECT_FALSE(is_there(c)) << c.family.name;
    for (const auto& c : untold) EXPECT_TRUE(is_there(c)) << c.family.name << ": a walk, so this test shows nothing";

    for (std::uint32_t i = 0; i < GarbageCollector::kStepsBetweenWalks; ++i) ASSERT_TRUE(datapath().tick());
    for (const auto& c : untold) EXPECT_FALSE(is_there(c)) << c.family.name;
}

}  // namespace
}  // namespace slipgate::test
