// SPDX-License-Identifier: Apache-2.0
// Sequence and acknowledgement numbers at, inside and beyond the window, and across 2^31 and 2^32.
#include <gmock/gmock.h>

#include <slipgate/client_hello.h>

#include "tests/bpf/connection.h"
#include "tests/bpf/either_link.h"

namespace slipgate::test {
namespace {

constexpr std::uint32_t kCloseWindow = 1U << 20;  // bpf/lib/close.h
// Initial sequence numbers from which hello or data cross the sign bit or the end of the space.
constexpr std::uint32_t kStarts[] = {0,          0x7fffffff, 0x80000000, 0xffffffff,
                                     0x7fffff80, 0xffffff80, 0x7ffffc00, 0xfffffc00};

Bytes sack(std::uint32_t from, std::uint32_t to) {
    return Bytes{1, 1, 5, 10} + u32(from) + u32(to);
}

class NumbersTest : public EitherLink {
  protected:
    Connection fresh(const Family& family, const Start& start = {}) { return {*this, family, port_++, start}; }

    std::uint32_t state(const Connection& c) {
        const auto up = flow(c.packet(Side::kClient, kAck));
        const auto down = flow(c.packet(Side::kEndpoint, kAck));
        EXPECT_TRUE(up && down);
        if (!up || !down) return 0;
        EXPECT_EQ(up->state, down->state);
        return up->state;
    }

    // `behind` bytes of this side are sent and not acknowledged.
    void in_flight(Connection& c, Side side, std::size_t bytes) {
        const auto outcome = run_packet(c.packet(side, kAck, Bytes(bytes, 7)), side);
        ASSERT_EQ(outcome.action, kRedirected);
        (side == Side::kClient ? c.client : c.endpoint).next += static_cast<std::uint32_t>(bytes);
    }

    // A packet `offset` bytes from the side's next one, translated byte for byte.
    Counted at_offset(Connection& c, Side side, std::uint8_t flags, std::int64_t offset, const Bytes& payload = {}) {
        Packet p = c.packet(side, flags, payload);
        p.seq += static_cast<std::uint32_t>(offset);
        const auto outcome = run_packet(p, side);
        EXPECT_EQ(outcome.action, kRedirected);
        EXPECT_TRUE(same_frame(outcome.frame, c.translated(side, p).frame()));
        return outcome.counted;
    }

    std::uint16_t port_ = 2000;
};

TEST_P(NumbersTest, StreamsCrossTheSignBitAndTheEndOfTheSpace) {
    for (const auto* family : families()) {
        for (const auto client : kStarts) {
            for (const auto endpoint : kStarts) {
                SCOPED_TRACE(testing::Message() << family->name << " ISNs " << client << " and " << endpoint);
                Connection c = fresh(*family, {.client_isn = client,
                                               .endpoint_isn = endpoint,
                                               .client_clock = endpoint,  // timestamps wrap as well
                                               .endpoint_clock = client});
                ASSERT_NO_FATAL_FAILURE(c.establish());
                const auto asked = c.client.next;
                for (int i = 0; i < 3; ++i) {
                    ASSERT_NO_FATAL_FAILURE(c.send(Side::kClient, c.packet(Side::kClient, kAck, Bytes(700, 1))));
                    ASSERT_NO_FATAL_FAILURE(c.send(Side::kEndpoint, c.packet(Side::kEndpoint, kAck, Bytes(700, 2))));
                }
                Packet selective = c.packet(Side::kEndpoint, kAck);
                selective.ack -= 2100;
                selective.options = selective.options + sack(selective.ack + 700, selective.ack + 2100);
                ASSERT_NO_FATAL_FAILURE(c.send(Side::kEndpoint, selective));
                c.client.next = asked;  // the client sends it all again
                for (int i = 0; i < 3; ++i)
                    ASSERT_NO_FATAL_FAILURE(c.send(Side::kClient, c.packet(Side::kClient, kAck, Bytes(700, 1))));
                ASSERT_NO_FATAL_FAILURE(c.send(Side::kClient, c.packet(Side::kClient, kFin | kAck)));
                ASSERT_EQ(state(c), SG_FLOW_ESTABLISHED);
                ASSERT_NO_FATAL_FAILURE(c.send(Side::kEndpoint, c.packet(Side::kEndpoint, kFin | kAck)));
                ASSERT_EQ(state(c), SG_FLOW_CLOSING);
            }
        }
    }
}

TEST_P(NumbersTest, ResetIsBelievedFromTheAcknowledgedByteToTheLastOneSent) {
    constexpr std::int64_t kInFlight = 1000;
    constexpr std::pair<std::int64_t, bool> kCases[] = {
        {-kInFlight - 1, false}, {-kInFlight, true}, {-1, true}, {0, true}, {1, false}};
    for (const auto* family : families()) {
        for (const auto isn : kStarts) {
            for (const auto side : {Side::kClient, Side::kEndpoint}) {
                for (const auto& [offset, believed] : kCases) {
                    SCOPED_TRACE(testing::Message() << family->name << " ISN " << isn << " offset " << offset);
                    Connection c = fresh(*family, {.client_isn = isn, .endpoint_isn = isn});
                    ASSERT_NO_FATAL_FAILURE(c.establish());
                    ASSERT_NO_FATAL_FAILURE(in_flight(c, side, kInFlight));
                    const auto counted = at_offset(c, side, kRst | kAck, offset);
                    EXPECT_EQ(counted, believed ? Counted{} : (Counted{{"rst_out_of_window", 1}}));
                    EXPECT_EQ(state(c), believed ? SG_FLOW_CLOSING : SG_FLOW_ESTABLISHED);
                }
            }
        }
    }
}

// The endpoints judge data themselves, so it is forwarded wherever it is. It must not make room for a RST.
TEST_P(NumbersTest, ForgedDataFarAheadDoesNotWidenTheWindowOfResets) {
    for (const auto* family : families()) {
        for (const std::int64_t ahead : {std::int64_t{kCloseWindow} + 1, std::int64_t{1} << 30}) {
            Connection c = fresh(*family);
            ASSERT_NO_FATAL_FAILURE(c.establish());
            at_offset(c, Side::kClient, kAck, ahead, Bytes(100, 3));
            EXPECT_EQ(at_offset(c, Side::kClient, kRst, ahead), (Counted{{"rst_out_of_window", 1}}));
            EXPECT_EQ(state(c), SG_FLOW_ESTABLISHED);
            EXPECT_EQ(at_offset(c, Side::kClient, kRst, 0), Counted{}) << "where the receiver expects it";
            EXPECT_EQ(state(c), SG_FLOW_CLOSING);
        }
    }
}

TEST_P(NumbersTest, FinCountsFromTheAcknowledgedByteToTheWindowBeyondTheLastOneSent) {
    constexpr std::int64_t kInFlight = 1000;
    constexpr std::pair<std::int64_t, bool> kCases[] = {
        {-kInFlight - 1, false}, {-kInFlight, true},        {0, true},
        {kCloseWindow, true},    {kCloseWindow + 1, false}, {1 << 30, false}};
    for (const auto* family : families()) {
        for (const auto isn : kStarts) {
            for (const auto side : {Side::kClient, Side::kEndpoint}) {
                for (const auto& [offset, counts] : kCases) {
                    SCOPED_TRACE(testing::Message() << family->name << " ISN " << isn << " offset " << offset);
                    Connection c = fresh(*family, {.client_isn = isn, .endpoint_isn = isn});
                    ASSERT_NO_FATAL_FAILURE(c.establish());
                    ASSERT_NO_FATAL_FAILURE(in_flight(c, side, kInFlight));
                    EXPECT_EQ(at_offset(c, side, kFin | kAck, offset), Counted{});
                    const auto entry = flow(c.packet(side, kAck));
                    ASSERT_TRUE(entry);
                    EXPECT_EQ((entry->flags & SG_FLOW_FIN) != 0, counts);
                    EXPECT_EQ(state(c), SG_FLOW_ESTABLISHED) << "the other side has not sent its own";
                }
            }
        }
    }
}

TEST_P(NumbersTest, AcknowledgementsAreTranslatedWhereverTheyAre) {
    for (const auto* family : families()) {
        for (const auto isn : kStarts) {
            Connection c = fresh(*family, {.client_isn = isn, .endpoint_isn = isn});
            ASSERT_NO_FATAL_FAILURE(c.establish());
            for (const auto side : {Side::kClient, Side::kEndpoint}) {
                for (const std::uint32_t off : {0U, 1U, 0xffffffffU, 0x7fffffffU, 0x80000000U, 0x80000001U}) {
                    Packet p = c.packet(side, kAck);
                    p.ack += off;
                    const auto outcome = run_packet(p, side);
                    EXPECT_TRUE(same_frame(outcome.frame, c.translated(side, p).frame()));
                    EXPECT_EQ(state(c), SG_FLOW_ESTABLISHED);
                }
            }
        }
    }
}

TEST_P(NumbersTest, ResetThatItsReceiverDidNotBelieveIsTakenBack) {
    for (const auto* family : families()) {
        for (const auto side : {Side::kClient, Side::kEndpoint}) {
            const Side other = side == Side::kClient ? Side::kEndpoint : Side::kClient;
            Connection c = fresh(*family);
            ASSERT_NO_FATAL_FAILURE(c.establish());
            const auto reset = [&] {
                at_offset(c, side, kRst | kAck, 0);
                EXPECT_EQ(state(c), SG_FLOW_CLOSING);
            };
            reset();
            at_offset(c, side, kAck, -10, Bytes(10, 1));  // old data: sent before, delivered after
            EXPECT_EQ(state(c), SG_FLOW_CLOSING) << "this does not show that the side lives";
            ASSERT_NO_FATAL_FAILURE(c.send(side, c.packet(side, kAck, Bytes(10, 1))));
            EXPECT_EQ(state(c), SG_FLOW_ESTABLISHED) << "new data";

            reset();
            ASSERT_NO_FATAL_FAILURE(c.send(other, c.packet(other, kAck, Bytes(10, 1))));
            EXPECT_EQ(state(c), SG_FLOW_CLOSING) << "the other side may not know yet";
            Packet forged = c.packet(side, kAck);
            forged.ack += 1;  // of what was never sent
            run_packet(forged, side);
            EXPECT_EQ(state(c), SG_FLOW_CLOSING);
            ASSERT_NO_FATAL_FAILURE(c.send(side, c.packet(side, kAck)));
            EXPECT_EQ(state(c), SG_FLOW_ESTABLISHED) << "a new acknowledgement";
        }
    }
}

TEST_P(NumbersTest, HelloIsKeptToTheLastByteOfTheStash) {
    for (const auto* family : families()) {
        for (const auto isn : kStarts) {
            SCOPED_TRACE(testing::Message() << family->name << " ISN " << isn);
            Connection c = fresh(*family, {.client_isn = isn});
            ASSERT_NO_FATAL_FAILURE(c.syn());
            const auto at_place = [&](std::uint32_t place, const Bytes& payload) {
                Packet p = c.packet(Side::kClient, kAck, payload);
                p.seq = isn + 1 + place;
                return run_packet(p, Side::kClient);
            };
            Packet beyond = c.packet(Side::kClient, kAck, {1});
            beyond.seq = isn + 1 + SG_STASH_BYTES;
            if (!fits_a_cookie(beyond)) {
                EXPECT_EQ(run_packet(beyond, Side::kClient).counted, (Counted{{"rst_sent", 1}}));
            }
            EXPECT_EQ(flow_entries(), 0U);
            EXPECT_EQ(at_place(SG_STASH_BYTES - 1, {1, 2}).counted,
                      (Counted{{"hello_gap", 1}, {"hello_segment", 1}, {"hello_incomplete", 1}}));
            EXPECT_EQ(at_place(SG_STASH_BYTES, {1}).counted, (Counted{{"early_data_beyond", 1}}));
            EXPECT_EQ(at_place(0xfffffffe, {1}).counted, (Counted{{"early_data_beyond", 1}})) << "before the stream";
            Packet off_by_one = c.packet(Side::kClient, kAck, c.hello);
            for (const std::uint32_t wrong : {c.cookie, c.cookie + 2}) {
                off_by_one.ack = wrong;
                if (fits_a_cookie(off_by_one)) continue;
                EXPECT_EQ(run_packet(off_by_one, Side::kClient).counted, (Counted{{"rst_sent", 1}}));
            }
            EXPECT_EQ(flow_entries(), 0U);
            ASSERT_NO_FATAL_FAILURE(c.rest_of_hello()) << "and the opening is still there";
            forget_flow(c.packet(Side::kClient, kAck));
            forget_flow(c.packet(Side::kEndpoint, kAck));
        }
    }
}

INSTANTIATE_TEST_SUITE_P(Links, NumbersTest, kLinks, link_name);

}  // namespace
}  // namespace slipgate::test
