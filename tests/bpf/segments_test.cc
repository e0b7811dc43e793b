// SPDX-License-Identifier: Apache-2.0
// TCP segments that are right but rare, on connections that live on: urgent data, closed windows, probes, keepalives,
// data after FIN, data with a SYN, options in any order.
#include <gmock/gmock.h>

#include <chrono>
#include <thread>

#include "tests/bpf/connection.h"
#include "tests/bpf/either_link.h"

namespace slipgate::test {
namespace {

constexpr Side kSides[] = {Side::kClient, Side::kEndpoint};

class SegmentsTest : public EitherLink {
  protected:
    Connection fresh(const Family& family, const Start& start = {}) { return {*this, family, port_++, start}; }

    // Translated byte for byte, and nothing but `counted`; the connection stays as it is.
    void passes(const Connection& c, Side side, const Packet& p, const Counted& counted = {}) {
        const auto outcome = run_packet(p, side);
        EXPECT_EQ(outcome.action, kRedirected);
        EXPECT_EQ(outcome.counted, counted);
        EXPECT_TRUE(same_frame(outcome.frame, c.translated(side, p).frame()));
        const auto up = flow(c.packet(Side::kClient, kAck)), down = flow(c.packet(Side::kEndpoint, kAck));
        ASSERT_TRUE(up && down);
        EXPECT_EQ(up->state, SG_FLOW_ESTABLISHED);
        EXPECT_EQ(down->state, SG_FLOW_ESTABLISHED);
    }

    std::uint16_t port_ = 2000;
};

TEST_P(SegmentsTest, UrgentPointerIsKept) {
    for (const auto* family : families()) {
        Connection c = fresh(*family);
        ASSERT_NO_FATAL_FAILURE(c.establish());
        for (const auto side : kSides) {
            Packet p = c.packet(side, kAck | kUrg | kPsh, Bytes(50, 1));
            for (const auto urgent : std::vector<std::uint16_t>{0, 1, 50, 0xffff}) {
                p.urgent = urgent;
                ASSERT_NO_FATAL_FAILURE(passes(c, side, p));
            }
        }
    }
}

TEST_P(SegmentsTest, WindowIsScaledAndNeverClosedByIt) {
    for (const auto* family : families()) {
        for (const int client : {-1, 0, 7, 14}) {
            for (const int endpoint : {-1, 0, 7, 10, 14}) {
                SCOPED_TRACE(testing::Message() << family->name << " scales " << client << " and " << endpoint);
                Connection c = fresh(*family, {.client_scale = client, .endpoint_scale = endpoint});
                ASSERT_NO_FATAL_FAILURE(c.establish());
                for (const auto side : kSides) {
                    for (const std::uint32_t window : {0U, 1U, 7U, 8U, 1023U, 1024U, 4095U, 4096U, 65535U}) {
                        Packet p = c.packet(side, kAck);
                        p.window = static_cast<std::uint16_t>(window);
                        ASSERT_NO_FATAL_FAILURE(passes(c, side, p));
                        const auto there = parse(run_packet(p, side).frame);
                        ASSERT_TRUE(there);
                        EXPECT_EQ(there->window == 0, window == 0);
                    }
                }
            }
        }
    }
}

TEST_P(SegmentsTest, KeepalivesAndWindowProbesPass) {
    for (const auto* family : families()) {
        Connection c = fresh(*family);
        ASSERT_NO_FATAL_FAILURE(c.establish());
        for (const auto side : kSides) {
            for (const Bytes& data : {Bytes{}, Bytes{0}}) {  // both shapes of RFC 9293 3.8.4
                Packet p = c.packet(side, kAck, data);
                p.seq--;
                ASSERT_NO_FATAL_FAILURE(passes(c, side, p));
            }
            ASSERT_NO_FATAL_FAILURE(passes(c, side, c.packet(side, kAck, Bytes{42})));  // one byte into a closed window
        }
    }
}

TEST_P(SegmentsTest, DataAfterFinPassesAndEndsNothing) {
    for (const auto* family : families()) {
        for (const auto side : kSides) {
            Connection c = fresh(*family);
            ASSERT_NO_FATAL_FAILURE(c.establish());
            ASSERT_NO_FATAL_FAILURE(c.send(side, c.packet(side, kFin | kAck, Bytes(20, 1))));
            for (const std::uint8_t flags : Bytes{kAck, kAck | kPsh, kAck | kFin})
                ASSERT_NO_FATAL_FAILURE(passes(c, side, c.packet(side, flags, Bytes(20, 2))));
            const Side other = side == Side::kClient ? Side::kEndpoint : Side::kClient;
            ASSERT_NO_FATAL_FAILURE(passes(c, other, c.packet(other, kAck, Bytes(500, 3))));
        }
    }
}

TEST_P(SegmentsTest, DataWithASynIsSentAgainLater) {
    for (const auto* family : families()) {
        Connection c = fresh(*family);
        Packet syn = c.packet(Side::kClient, kSyn, c.hello);
        syn.options = syn.options + Bytes{34, 2, 1, 1};  // fast open, asks for a cookie (RFC 7413)
        const auto outcome = run_packet(syn, Side::kClient);
        ASSERT_EQ(outcome.action, kRedirected);
        const auto answer = parse(outcome.frame);
        ASSERT_TRUE(answer);
        EXPECT_TRUE(same_frame(outcome.frame, c.expected_syn_ack(syn, *answer).frame())) << "acknowledges the SYN only";
        EXPECT_EQ(outcome.counted, (Counted{{"syn", 1}, {"syn_ack", 1}}));
        ASSERT_NO_FATAL_FAILURE(c.establish());
    }
}

TEST_P(SegmentsTest, LastHopIsDroppedLastButOnePasses) {
    for (const auto* family : families()) {
        Connection c = fresh(*family);
        ASSERT_NO_FATAL_FAILURE(c.establish());
        for (const auto side : kSides) {
            Packet p = c.packet(side, kAck, Bytes(20, 1));
            for (const std::uint8_t ttl : Bytes{0, 1}) {
                p.ttl = ttl;
                const auto outcome = run_packet(p, side);
                EXPECT_EQ(outcome.action, kDropped);
                EXPECT_EQ(outcome.counted, (Counted{{"ttl_expired", 1}}));
            }
            for (const std::uint8_t ttl : Bytes{2, 255}) {
                p.ttl = ttl;
                ASSERT_NO_FATAL_FAILURE(passes(c, side, p));
            }
        }
        Connection last_hop = fresh(*family);  // what is for us may have come its whole way
        Packet syn = last_hop.packet(Side::kClient, kSyn);
        syn.ttl = 1;
        EXPECT_EQ(run_packet(syn, Side::kClient).action, kRedirected);
    }
}

TEST_P(SegmentsTest, FinAndResetOnTheirLastHopEndNothing) {
    for (const auto* family : families()) {
        for (const auto side : kSides) {
            for (const std::uint8_t flags : Bytes{kFin | kAck, kRst | kAck}) {
                Connection c = fresh(*family);
                ASSERT_NO_FATAL_FAILURE(c.establish());
                Packet p = c.packet(side, flags);
                p.ttl = 1;
                EXPECT_EQ(run_packet(p, side).counted, (Counted{{"ttl_expired", 1}}));
                const auto entry = flow(p);
                ASSERT_TRUE(entry);
                EXPECT_EQ(entry->flags & (SG_FLOW_FIN | SG_FLOW_RST), 0);
                EXPECT_EQ(entry->state, static_cast<__u32>(SG_FLOW_ESTABLISHED));
            }
        }
    }
}

// A SYN long ago says nothing about a connection that went on: only two in a row, without an answer, do.
TEST_P(SegmentsTest, SynOfLongAgoIsForgotten) {
    for (const auto* family : families()) {
        Connection c = fresh(*family);
        ASSERT_NO_FATAL_FAILURE(c.establish());
        const Packet syn = c.packet(Side::kClient, kSyn);
        ASSERT_EQ(run_packet(syn, Side::kClient).counted, (Counted{{"syn_on_established", 1}, {"option_walk", 1}}));
        ASSERT_NE(flow(syn)->flags & SG_FLOW_SYN, 0);
        // The client goes on in a later second, after the endpoint's last packet: the clock has units of about one.
        for (int i = 0; i < 100 && flow(syn)->seen <= flow(c.packet(Side::kEndpoint, kAck))->seen; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            ASSERT_NO_FATAL_FAILURE(passes(c, Side::kClient, c.packet(Side::kClient, kAck)));
        }
        ASSERT_GT(flow(syn)->seen, flow(c.packet(Side::kEndpoint, kAck))->seen);
        std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // one unit
        const auto outcome = run_packet(syn, Side::kClient);
        EXPECT_EQ(outcome.action, kRedirected);
        EXPECT_EQ(outcome.counted, (Counted{{"syn_on_established", 1}, {"option_walk", 1}}));
    }
}

TEST_P(SegmentsTest, OptionsAreTranslatedInAnyOrderAndAlignment) {
    for (const auto* family : families()) {
        Connection c = fresh(*family);
        ASSERT_NO_FATAL_FAILURE(c.establish());
        for (const auto side : kSides) {
            const Numbers& own = side == Side::kClient ? c.client : c.endpoint;
            const auto edges = [&](int blocks) {
                Bytes all{5, static_cast<std::uint8_t>(2 + 8 * blocks)};
                for (int i = 0; i < 2 * blocks; ++i)
                    all = all + u32(own.acked - 5000 + static_cast<std::uint32_t>(i) * 100);
                return all;
            };
            const Bytes plain{8, 10}, clock = u32(own.clock) + u32(own.echo), no_echo = u32(own.clock) + u32(0);
            const std::vector<std::pair<Bytes, bool>> cases{
                {{}, false},
                {Bytes{1, 1} + plain + clock, false},
                {Bytes{1, 1} + plain + no_echo, false},
                {Bytes{1, 1} + plain + clock + Bytes{1, 1} + edges(1), false},
                {Bytes{1, 1} + plain + clock + Bytes{1, 1} + edges(3), false},
                {Bytes{1, 1} + edges(4), false},
                {plain + clock + Bytes{1, 1}, true},
                {Bytes{1} + plain + clock + Bytes{0}, true},
                {edges(1) + plain + clock, true},
                {Bytes{1} + edges(2) + Bytes{1}, true},
                {Bytes{0, 0, 0, 0}, true},
                {Bytes{0} + plain + clock + Bytes{0}, true},                // behind the end of options
                {Bytes{253, 4, 7, 7} + Bytes{1, 1} + plain + clock, true},  // experimental
                {Bytes{30, 12} + Bytes(10, 9), true},                       // MPTCP
                {Bytes{19, 18} + Bytes(16, 9) + Bytes{1, 1}, true},         // MD5
                {Bytes{8, 9} + Bytes(9, 5) + Bytes{0}, true},               // no timestamps: another length
                {Bytes{5, 6} + u32(77) + Bytes{1, 1}, true},                // half a SACK block
                {Bytes{5, 2, 1, 1}, true},                                  // none
                {Bytes{77, 0, 8, 10}, true},                                // lengths that cannot be
                {Bytes{77, 1, 8, 10}, true},
                {Bytes{1, 1, 1, 8}, true},
                {Bytes{1, 8, 10, 1}, true},
                {Bytes{1, 1, 5, 255}, true},
                {Bytes(40, 1), true},
            };
            for (std::size_t i = 0; i < cases.size(); ++i) {
                SCOPED_TRACE(testing::Message() << family->name << ", case " << i);
                Packet p = c.packet(side, kAck, Bytes(33, 4));
                p.options = cases[i].first;
                ASSERT_EQ(p.options.size() % 4, 0U);
                passes(c, side, p, cases[i].second ? Counted{{"option_walk", 1}} : Counted{});
            }
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Links, SegmentsTest, kLinks, link_name);

}  // namespace
}  // namespace slipgate::test
