// SPDX-License-Identifier: Apache-2.0
// Both sides end the connection in the same instant, and their packets are on two CPUs.
#include <gtest/gtest.h>
#include <sched.h>

#include <atomic>
#include <thread>

#include "tests/bpf/connection.h"

namespace slipgate::test {
namespace {

class CloseRaceTest : public SpliceBench {
  protected:
    // On the `number`th CPU that this process may use.
    void run_on_cpu(unsigned number) {
        const auto& cpus = cpus_;
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET(cpus.at(number), &set);
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
    if (cpus_.size() < 2) GTEST_SKIP() << "one CPU only";
    constexpr int kRounds = 20000;
    for (const auto* family : kFamilies) {
        SCOPED_TRACE(family->name);
        Connection c(*this, *family, 20000);
        ASSERT_NO_FATAL_FAILURE(c.establish());
        const Packet packets[] = {c.packet(Side::kClient, kFin | kAck), c.packet(Side::kEndpoint, kFin | kAck)};
        const Bytes frames[] = {packets[0].frame(), packets[1].frame()};
        std::atomic<int> at_the_line{0}, done{0};
        std::atomic<bool> over{false};
        const auto run = [&](unsigned side) {
            run_on_cpu(side);
            for (int round = 1; round <= kRounds; ++round) {
                at_the_line++;
                while (at_the_line < 2 * round && !over) continue;
                if (over) return;
                EXPECT_EQ(run_bare(frames[side], side == 0 ? Side::kClient : Side::kEndpoint), kRedirected);
                if (side == 1) {
                    done = round;
                    while (done == round && !over) continue;
                } else {
                    while (done != round) continue;
                    // Its state before the FINs, for the next round.
                    for (const auto& packet : packets) {
                        const auto found = flow(packet);
                        if (!found || found->state != SG_FLOW_CLOSING) {
                            ADD_FAILURE() << "not closing after round " << round;
                            over = true;
                            return;
                        }
                        change_flow(packet, [](sg_flow& entry) {
                            entry.state = SG_FLOW_ESTABLISHED;
                            entry.flags &= static_cast<__u8>(~(SG_FLOW_FIN | SG_FLOW_REPORTED));
                        });
                    }
                    done = 0;
                }
            }
        };
        std::thread endpoint(run, 1);
        std::thread client(run, 0);
        client.join();
        endpoint.join();
    }
}

}  // namespace
}  // namespace slipgate::test
