// SPDX-License-Identifier: Apache-2.0
// Both sides end the connection in the same instant, and their packets are on two CPUs.
#include <gtest/gtest.h>

#include <array>

#include "tests/bpf/connection.h"
#include "tests/bpf/race.h"

namespace slipgate::test {
namespace {

class CloseRaceTest : public SpliceBench {
  protected:
    const Race race_;
};

// Each CPU notes its FIN and looks for the other's. One of them at least must see it, or the connection never ends.
TEST_F(CloseRaceTest, FinsOnTwoCpusEndTheConnection) {
    if (!race_.possible()) GTEST_SKIP() << "there is nothing to race with on one CPU";
    constexpr int kRounds = 5000;
    for (const auto* family : kFamilies) {
        SCOPED_TRACE(family->name);
        Connection c(*this, *family, 20000);
        ASSERT_NO_FATAL_FAILURE(c.establish());
        constexpr std::array kSides{Side::kClient, Side::kEndpoint};
        const std::array fins{c.packet(Side::kClient, kFin | kAck), c.packet(Side::kEndpoint, kFin | kAck)};
        const std::array frames{fins[0].frame(), fins[1].frame()};
        int still_open = 0, round = 0;
        const auto send = [&](std::size_t runner) {
            EXPECT_EQ(run_bare(frames.at(runner), kSides.at(runner)), kRedirected);
        };
        const auto judge_and_reopen = [&] {
            for (const auto& fin : fins) {
                if (flow(fin).value_or(sg_flow{}).state != SG_FLOW_CLOSING) still_open++;
                change_flow(fin, [](sg_flow& entry) {
                    entry.state = SG_FLOW_ESTABLISHED;
                    entry.flags &= static_cast<__u8>(~(SG_FLOW_FIN | SG_FLOW_REPORTED));
                });
            }
            return ++round < kRounds;
        };
        race_.rounds(send, judge_and_reopen);
        EXPECT_EQ(still_open, 0) << "of " << kRounds << " rounds, both directions";
    }
}

}  // namespace
}  // namespace slipgate::test
