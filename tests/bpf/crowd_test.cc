// SPDX-License-Identifier: Apache-2.0
// A full map of a million connections of one family, nine of ten of them over: they are collected in bounded steps, by
// their events and by a walk, while clients use their ports again (dataplane rule 10.9).
#include <gtest/gtest.h>

#include <atomic>
#include <thread>
#include <vector>

#include "agent/datapath/gc.h"
#include "agent/datapath/loader.h"
#include "tests/bpf/crowd.h"
#include "tests/bpf/made_flows.h"
#include "tests/bpf/race.h"

namespace slipgate::test {
namespace {

constexpr std::uint32_t kConnections = 1'000'000, kLive = kConnections / 10;
constexpr std::uint32_t kEntries = 32768;       // that a step walks
constexpr std::uint32_t kTold = Crowd::kPorts;  // the first client's connections: the agent was told when they ended
constexpr std::uint32_t kReused = 5;            // every so many of those have a successor
constexpr std::uint32_t kDue = 3;               // SG_SECONDS: the closing time and the slack of gc.cc

class CrowdTest : public SpliceBench, public testing::WithParamInterface<const Family*> {
  protected:
    CrowdTest() {
        options.max_connections = kConnections;
        options.closing_time = std::chrono::seconds(2);
    }
    void SetUp() override {
        ASSERT_NO_FATAL_FAILURE(SpliceBench::SetUp());
        serve({{at(family_.endpoint, kEndpointPort), SourceMode::kPreserve}});
        stop_agent();  // this test collects in its place
        auto loaded = LoadedObject::load(options);
        ASSERT_TRUE(loaded) << loaded.error().message;
        object_ = std::move(*loaded);
        gc_.emplace(
            GarbageCollector::Fds{object_->map_fd("flows4"), object_->map_fd("flows6"), object_->map_fd("gc_batch"),
                                  object_->map_fd("gc_limits"), object_->gc_program_fd()},
            GarbageCollector::Limits{.closing = options.closing_time});
        flows_ = object_->map_fd(family_.vip == kIpv4.vip ? "flows4" : "flows6");
        ASSERT_NO_FATAL_FAILURE(crowd_.fill(flows_, kConnections));
    }

    // What it looks at does not depend on how many there are.
    void step() {
        const auto step = gc_->step(kEntries);
        ASSERT_TRUE(step) << step.error().message;
        ASSERT_LE(step->walked, kEntries + GarbageCollector::kWalkBatch) << "a step, and the batch it began";
        ASSERT_LE(step->proposed, step->walked + kTold);
    }
    // The next ones from the ports of connections that are over.
    std::vector<Connection> successors() {
        std::vector<Connection> all;
        for (std::uint32_t i = 1; i < kTold; i += kReused) all.emplace_back(*this, family_, Crowd::kFirstPort + i);
        return all;
    }
    void forward_both_ways(Connection& c) {
        SCOPED_TRACE(c.client_port);
        for (const auto side : {Side::kClient, Side::kEndpoint})
            ASSERT_NO_FATAL_FAILURE(c.send(side, c.packet(side, kAck | kPsh, Bytes(10, 0x17))));
    }
    void expect_crowd_forwards() {
        for (const auto side : {Side::kClient, Side::kEndpoint}) {
            Packet p = Connection(*this, family_, 0).packet(side, kAck);
            for (std::uint32_t i = 0; i < kConnections; ++i) {
                if (!Crowd::is_live(i)) continue;
                crowd_.readdress(p, i, side);
                ASSERT_EQ(run_bare(p.frame(), side), kRedirected) << "connection " << i;
            }
        }
    }
    std::uint32_t entries() {
        std::uint32_t count = 0;
        std::vector<std::uint8_t> key(family_.vip == kIpv4.vip ? sizeof(sg_flow4_key) : sizeof(sg_tuple));
        for (int more = bpf_map_get_next_key(flows_, nullptr, key.data()); more == 0;
             more = bpf_map_get_next_key(flows_, key.data(), key.data()))
            ++count;
        return count;
    }

    const Race race_;
    const Family& family_ = *GetParam();
    const Crowd crowd_{family_};
    std::unique_ptr<LoadedObject> object_;
    std::optional<GarbageCollector> gc_;
    int flows_ = -1;
};

TEST_P(CrowdTest, EndedConnectionsGoInBoundedStepsAndTheirSuccessorsStay) {
    auto all = successors();
    const auto live = static_cast<std::uint32_t>(2 * (kLive + all.size()));
    const auto told = clock_units();
    for (std::uint32_t i = 0; i < kTold; ++i) {
        if (!Crowd::is_live(i)) gc_->expect(crowd_.tuple(i));
    }
    std::atomic<bool> reopening = true;
    std::thread collector([&] {
        if (race_.possible()) stay_on_cpu(race_.other_cpu());
        while (reopening && !HasFailure()) step();
    });
    for (auto& c : all) {
        c.reestablish();
        if (HasFailure()) break;
    }
    reopening = false;
    collector.join();
    ASSERT_FALSE(HasFailure());

    while (clock_units() - told <= kDue) ASSERT_NO_FATAL_FAILURE(step());
    int steps = 0;
    do ASSERT_NO_FATAL_FAILURE(step());
    while (gc_->counts().closing + gc_->counts().established != live && ++steps < 200);
    EXPECT_EQ(gc_->counts().established, live);
    EXPECT_EQ(entries(), live) << "all that is over is gone";
    for (auto& c : all) ASSERT_NO_FATAL_FAILURE(forward_both_ways(c));
    ASSERT_NO_FATAL_FAILURE(expect_crowd_forwards());
}

INSTANTIATE_TEST_SUITE_P(Million, CrowdTest, testing::ValuesIn(kPreservedFamilies),
                         [](const auto& family) { return std::string(family.param->name); });

}  // namespace
}  // namespace slipgate::test
