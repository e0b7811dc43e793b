// SPDX-License-Identifier: Apache-2.0
// A source port that a closing connection gives up: the endpoint, in TIME-WAIT perhaps, must not take what the next
// connection sends for something of the old one (RFC 6191, RFC 9293 3.6.1).
#include <gtest/gtest.h>

#include <optional>

#include <slipgate/seq.h>

#include "tests/bpf/connection.h"

namespace slipgate::test {
namespace {

// How far the old connection's numbers are ahead of the clock that ISNs are made from: more than a test takes.
constexpr std::uint32_t kAhead = 1U << 30;

class SourcePortTest : public SpliceBench {
  protected:
    void SetUp() override {
        options.port_first = options.port_last = 61000;
        SpliceBench::SetUp();
    }

    void exchange(Connection& c) {
        for (const auto side : {Side::kClient, Side::kEndpoint, Side::kClient})
            ASSERT_NO_FATAL_FAILURE(c.send(side, c.packet(side, kAck | kPsh, Bytes(701, 0x17))));
        Packet selective = c.packet(Side::kEndpoint, kAck);
        selective.options =
            selective.options + Bytes{1, 1, 5, 10} + u32(selective.ack + 700) + u32(selective.ack + 1400);
        ASSERT_NO_FATAL_FAILURE(c.send(Side::kEndpoint, selective));
    }

    // Opens the connection, whose client sends `ahead` bytes, of which the last ones come here, and ends it. Returns
    // the number after the last one that the endpoint saw.
    std::uint32_t play(Connection& c, std::uint32_t ahead) {
        c.establish();
        c.client.next += ahead;
        c.send(Side::kClient, c.packet(Side::kClient, kAck, Bytes(100, 0x17)));
        c.send(Side::kClient, c.packet(Side::kClient, kFin | kAck));
        c.send(Side::kEndpoint, c.packet(Side::kEndpoint, kFin | kAck));
        const auto over = flow(c.packet(Side::kClient, kAck));
        EXPECT_TRUE(over && over->state == SG_FLOW_CLOSING);
        return c.translated(Side::kClient, c.packet(Side::kClient, kAck)).seq;
    }

    // From the hello to the SYN to the endpoint, which has the number `c.our_isn`.
    void connect(Connection& c, const Counted& also) {
        ASSERT_NO_FATAL_FAILURE(c.syn());
        const Packet hello = c.packet(Side::kClient, kAck | kPsh, c.hello);
        const auto outcome = run_packet(hello, Side::kClient);
        ASSERT_EQ(outcome.action, kRedirected);
        Counted counted{{"hello_segment", 1}, {"hello", 1}, {"endpoint_syn", 1}, {"port_recycled", 1}};
        counted.insert(also.begin(), also.end());
        EXPECT_EQ(outcome.counted, counted);
        const auto sent = parse(outcome.frame);
        ASSERT_TRUE(sent) << describe(outcome.frame);
        Packet expected = c.expected_endpoint_syn(*sent);
        expected.seq = sent->seq;
        ASSERT_TRUE(same_frame(outcome.frame, expected.frame()));
        c.our_isn = sent->seq;
        c.our_port = sent->source_port;
        c.our_clock_to_endpoint = c.endpoint.echo = find_timestamps(*sent).value().value;
        c.client_clock_at_syn = c.client.clock;
        c.client.next = hello.end();
        c.endpoint.acked = c.our_isn + 1;
    }

    void go_on(Connection& c) {
        ASSERT_NO_FATAL_FAILURE(c.syn_ack());
        ASSERT_NO_FATAL_FAILURE(c.first_exchange());
        ASSERT_NO_FATAL_FAILURE(exchange(c));
    }
};

// By RFC 6528 alone the new ISN would be a little after the old one, and so among the old connection's numbers.
TEST_F(SourcePortTest, IsnIsBeyondAllThatTheOldConnectionSent) {
    std::uint16_t port = 20000;
    for (const auto* family : kFamilies) {
        SCOPED_TRACE(family->name);
        std::optional<Connection> old(std::in_place, *this, *family, port++);
        std::uint32_t end = 0;
        ASSERT_NO_FATAL_FAILURE(end = play(*old, kAhead));
        for (int again = 0; again < 3; ++again) {
            Connection c(*this, *family, port++);
            ASSERT_NO_FATAL_FAILURE(connect(c, {}));
            EXPECT_EQ(c.our_port, old->our_port);
            EXPECT_TRUE(sg_seq_before(end, c.our_isn)) << c.our_isn << " is not beyond " << end;
            EXPECT_FALSE(flow(old->packet(Side::kClient, kAck))) << "the old connection is gone";
            ASSERT_NO_FATAL_FAILURE(go_on(c));
            ASSERT_NO_FATAL_FAILURE(c.send(Side::kClient, c.packet(Side::kClient, kFin | kAck)));
            ASSERT_NO_FATAL_FAILURE(c.send(Side::kEndpoint, c.packet(Side::kEndpoint, kFin | kAck)));
            end = c.translated(Side::kClient, c.packet(Side::kClient, kAck)).seq;
            old.emplace(c);
        }
        for (const auto side : {Side::kClient, Side::kEndpoint}) forget_flow(old->packet(side, kAck));
    }
}

// Where the endpoint sees the client's own port, it is the client's ISN that may be below.
TEST_F(SourcePortTest, IsnOfAClientIsKeptOnlyIfItIsBeyondItsOldConnection) {
    serve({{at(kIpv4.endpoint, kEndpointPort), SourceMode::kPreserve},
           {at(kIpv6.endpoint, kEndpointPort), SourceMode::kPreserve}});
    constexpr std::int64_t kOffsets[] = {-std::int64_t{kAhead}, -1000, -2, 0, 1, 1000, kAhead};  // from the old end
    std::uint16_t port = 20000;
    for (const auto* family : kPreservedFamilies) {
        for (const auto offset : kOffsets) {
            SCOPED_TRACE(testing::Message() << family->name << ", " << offset);
            Connection old(*this, *family, port);
            std::uint32_t end = 0;
            ASSERT_NO_FATAL_FAILURE(end = play(old, kAhead));
            Connection c(*this, *family, port++, {.client_isn = end + static_cast<std::uint32_t>(offset)});
            ASSERT_NO_FATAL_FAILURE(connect(c, {{"preserve", 1}}));
            EXPECT_TRUE(sg_seq_before(end, c.our_isn)) << c.our_isn << " is not beyond " << end;
            EXPECT_EQ(c.our_isn == c.client.isn, offset > 0);
            ASSERT_NO_FATAL_FAILURE(go_on(c));
        }
    }
}

}  // namespace
}  // namespace slipgate::test
