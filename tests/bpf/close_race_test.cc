// SPDX-License-Identifier: Apache-2.0
// Both sides end the connection in the same instant, and their packets are on two CPUs.
#include <gtest/gtest.h>
#include <sched.h>

#include <barrier>
#include <map>
#include <thread>
#include <vector>

#include "tests/bpf/connection.h"

namespace slipgate::test {
namespace {

class CloseRaceTest : public SpliceBench {
  protected:
    // On the `number`th CPU that this process may use.
    void run_on_cpu(unsigned number) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cpus_.at(number), &set);
        ASSERT_EQ(sched_setaffinity(0, sizeof set, &set), 0);
    }
    void SetUp() override {
        cpu_set_t all;
        ASSERT_EQ(sched_getaffinity(0, sizeof all, &all), 0);
        for (std::size_t cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
            if (CPU_ISSET(cpu, &all)) cpus_.push_back(cpu);
        }
        SpliceBench::SetUp();
    }
    std::vector<std::size_t> cpus_;
};

// Each CPU notes its FIN and looks for the other's. One of them at least must see it, or the connection never ends.
TEST_F(CloseRaceTest, FinsOnTwoCpusEndTheConnection) {
    if (cpus_.size() < 2) GTEST_SKIP() << "there is nothing to race with on one CPU";
    constexpr int kRounds = 20000;
    for (const auto* family : kFamilies) {
        SCOPED_TRACE(family->name);
        Connection c(*this, *family, 20000);
        ASSERT_NO_FATAL_FAILURE(c.establish());
        const std::map<Side, Packet> fins{{Side::kClient, c.packet(Side::kClient, kFin | kAck)},
                                          {Side::kEndpoint, c.packet(Side::kEndpoint, kFin | kAck)}};
        int still_open = 0;
        const auto judge_and_reopen = [&]() noexcept {
            for (const auto& [side, fin] : fins) {
                if (flow(fin).value_or(sg_flow{}).state != SG_FLOW_CLOSING) still_open++;
                change_flow(fin, [](sg_flow& entry) {
                    entry.state = SG_FLOW_ESTABLISHED;
                    entry.flags &= static_cast<__u8>(~(SG_FLOW_FIN | SG_FLOW_REPORTED));
                });
            }
        };
        std::barrier start(2);
        std::barrier finish(2, judge_and_reopen);
        const auto send = [&](Side side, unsigned cpu) {
            run_on_cpu(cpu);
            const Bytes frame = fins.at(side).frame();
            for (int round = 0; round < kRounds; ++round) {
                start.arrive_and_wait();
                EXPECT_EQ(run_bare(frame, side), kRedirected);
                finish.arrive_and_wait();
            }
        };
        std::thread endpoint(send, Side::kEndpoint, 1);
        std::thread client(send, Side::kClient, 0);
        client.join();
        endpoint.join();
        EXPECT_EQ(still_open, 0) << "of " << kRounds << " rounds, both directions";
    }
}

}  // namespace
}  // namespace slipgate::test
