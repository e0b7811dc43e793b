// SPDX-License-Identifier: Apache-2.0
// Clients that use their ports again while the connections they had there before are collected (dataplane rule 10.9).
#include <gtest/gtest.h>

#include <atomic>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include "agent/datapath/gc.h"
#include "tests/bpf/crowd.h"
#include "tests/bpf/race.h"

namespace slipgate::test {
namespace {

constexpr std::uint32_t kOthers = 50'000;   // connections of others, nine of ten long over
constexpr std::uint16_t kFirstPort = 2000;  // of the client
constexpr std::uint16_t kPorts = 400;       // few among our own source ports: no search ends at that of a closing flow

class ReuseTest : public SpliceBench, public testing::WithParamInterface<SourceMode> {
  protected:
    void SetUp() override {
        options.closing_time = std::chrono::seconds(2);
        ASSERT_NO_FATAL_FAILURE(SpliceBench::SetUp());
        serve({{at(kIpv4.endpoint, kEndpointPort), GetParam()}, {at(kIpv6.endpoint, kEndpointPort), GetParam()}});
    }

    using Connections = std::vector<std::optional<Connection>>;

    // A connection from each port.
    void open_all(Connections& connections, const Family& family) {
        for (std::uint16_t port = kFirstPort; port < kFirstPort + kPorts && !HasFatalFailure(); ++port)
            connections.emplace_back(std::in_place, *this, family, port)->establish();
    }
    // The next one from the same port.
    void reopen(std::optional<Connection>& c) {
        const Connection last = *c;
        c.emplace(*this, last.family, last.client_port, Start{.client_isn = last.client.next + 100'000});
        c->reestablish();
    }
    // As if the connection had closed long ago.
    void make_old(const Connection& c) {
        for (const auto side : {Side::kEndpoint, Side::kClient})  // nobody collects it before both are
            change_flow(c.packet(side, kAck), [](sg_flow& flow) { flow.seen -= 50; });
    }
    bool is_there(const Connection& c) {
        return flow(c.packet(Side::kClient, kAck)).has_value() || flow(c.packet(Side::kEndpoint, kAck)).has_value();
    }
    void expect_alive(Connection& c) {
        SCOPED_TRACE(testing::Message() << c.family.name << ", port " << c.client_port);
        for (const auto side : {Side::kClient, Side::kEndpoint})
            ASSERT_NO_FATAL_FAILURE(c.send(side, c.packet(side, kAck | kPsh, Bytes(10, 0x17))));
    }

    const Race race_;
};

// The agent proposes every port, because a connection there ended. Every second one serves the next by then.
TEST_P(ReuseTest, EndedConnectionsGoAndTheirSuccessorsStay) {
    ASSERT_TRUE(datapath().tick()) << "a walk: the next one is steps away";
    Connections connections;
    for (const auto* family : families(GetParam())) ASSERT_NO_FATAL_FAILURE(open_all(connections, *family));
    for (auto& c : connections) ASSERT_NO_FATAL_FAILURE(c->close());
    ASSERT_EQ(datapath().read_events([](const ConnectionEvent&) {}).value(), connections.size());
    for (std::size_t i = 0; i < connections.size(); i += 2) ASSERT_NO_FATAL_FAILURE(reopen(connections[i]));
    std::this_thread::sleep_for(std::chrono::seconds(5));  // the closing time and some, see collect_test.cc
    ASSERT_TRUE(datapath().tick());
    for (std::size_t i = 0; i < connections.size(); ++i) {
        auto& c = *connections[i];
        if (i % 2) {
            EXPECT_FALSE(is_there(c)) << c.family.name << ", port " << c.client_port;
        } else {
            ASSERT_NO_FATAL_FAILURE(expect_alive(c));
        }
    }
}

// Another CPU walks the maps without a pause, and each port is used again and again: its last connection is over when
// the walk meets it, and may have a successor when the program looks.
TEST_P(ReuseTest, SuccessorsStayWhileAWalkRemovesTheEnded) {
    if (!race_.possible()) GTEST_SKIP() << "nothing happens at the same time on one CPU";
    constexpr int kRounds = 10;
    const Fd flows4 = pinned("flows4"), flows6 = pinned("flows6");
    std::uint64_t live = 0;  // entries
    for (const auto* family : families(GetParam())) {
        SCOPED_TRACE(family->name);
        Connections connections;
        ASSERT_NO_FATAL_FAILURE(open_all(connections, *family));
        const bool ipv6 = family->vip == kIpv6.vip;
        Crowd(ipv6 ? kPreserved6 : kPreserved4).fill(ipv6 ? flows6.get() : flows4.get(), kOthers);
        live += 2 * (kOthers / 10 + kPorts);

        std::atomic<bool> done = false;
        std::thread collector([&, cpu = race_.other_cpu()] {
            stay_on_cpu(cpu);
            while (!done) EXPECT_TRUE(datapath().tick());
        });
        for (int round = 0; round < kRounds && !HasFatalFailure(); ++round) {
            for (auto& c : connections) {
                c->close();
                make_old(*c);
            }
            for (auto& c : connections) reopen(c);
        }
        done = true;
        collector.join();
        ASSERT_FALSE(HasFatalFailure());

        for (auto& c : connections) ASSERT_NO_FATAL_FAILURE(expect_alive(*c));
        for (std::uint32_t i = 0; i < 2 * GarbageCollector::kStepsBetweenWalks; ++i) ASSERT_TRUE(datapath().tick());
        EXPECT_EQ(datapath().flows().established, live);
        EXPECT_EQ(datapath().flows().closing, 0U);
    }
}

INSTANTIATE_TEST_SUITE_P(Modes, ReuseTest, testing::Values(SourceMode::kSnat, SourceMode::kPreserve),
                         [](const auto& mode) { return mode.param == SourceMode::kSnat ? "Snat" : "Preserve"; });

}  // namespace
}  // namespace slipgate::test
