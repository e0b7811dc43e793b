// SPDX-License-Identifier: Apache-2.0
// From the hello to the endpoint: in segments it takes, again where it did not arrive, elsewhere where it is refused.
#include <gmock/gmock.h>

#include <chrono>
#include <set>
#include <thread>

#include "tests/bpf/connection.h"
#include "tests/bpf/wire_tap.h"

namespace slipgate::test {
namespace {

constexpr std::size_t kClientSegment = 1300;
constexpr std::size_t kTimestamps = 12;

class HandOverTest : public SpliceBench {
  protected:
    Connection fresh(const Family& family, const Start& start = {}) { return {*this, family, port_++, start}; }

    // A hello of about `size` bytes, with its name at the end.
    static Bytes long_hello(std::size_t size) {
        HelloParts parts;
        parts.extensions = {{{21, Bytes(size, 0)}, server_name(kServerName)}};
        return parts.record();
    }

    // To where the SYN to the endpoint has left.
    void connect(Connection& c) {
        ASSERT_NO_FATAL_FAILURE(c.syn());
        while (c.hello.size() - c.hello_sent > kClientSegment) ASSERT_NO_FATAL_FAILURE(c.part_of_hello(kClientSegment));
        ASSERT_NO_FATAL_FAILURE(c.rest_of_hello());
    }

    static Packet with_mss(Packet p, std::size_t mss) {
        p.options[2] = static_cast<std::uint8_t>(mss >> 8);
        p.options[3] = static_cast<std::uint8_t>(mss);
        return p;
    }

    // By two endpoints of each family.
    void serve_two() {
        serve({at("10.7.0.20", kEndpointPort), at("10.7.0.21", kEndpointPort), at("fd07::20", kEndpointPort),
               at("fd07::21", kEndpointPort)});
    }

    void set_connect_timeout(std::uint32_t milliseconds) {
        auto settings = config();
        settings.connect_timeout_ms = milliseconds;
        set_config(settings);
    }

    // The SYN-ACK of an endpoint that was given up, to the SYN that it got.
    void late_answer_is_reset(const Connection& c, const Packet& syn) {
        Packet late = c.packet(Side::kEndpoint, kSyn | kAck);
        late.source = syn.destination;
        late.destination_port = syn.source_port;
        late.ack = syn.seq + 1;
        EXPECT_EQ(run_packet(late, Side::kEndpoint).counted, (Counted{{"rst_sent", 1}}));
    }

    std::uint16_t port_ = 2000;
};

TEST_F(HandOverTest, LongHelloGoesInSegmentsThatTheEndpointAndItsLinkTake) {
    WireTap tap("far0");
    for (const auto* family : kFamilies) {
        const std::size_t link = kLinkMtu - (family == &kIpv6 ? 60 : 40);
        for (const auto mss : std::vector<std::size_t>{76U, 300U, 535U, 536U, 537U, 1000U, 1220U, 1460U, 8960U}) {
            for (const auto size : std::vector<std::size_t>{100U, 1000U, 1448U, 3001U, 7002U}) {
                SCOPED_TRACE(testing::Message() << family->name << " MSS " << mss << ", hello over " << size);
                Connection c = fresh(*family);
                c.hello = long_hello(size);
                ASSERT_NO_FATAL_FAILURE(connect(c));
                const auto outcome = run_packet(with_mss(c.packet(Side::kEndpoint, kSyn | kAck), mss), Side::kEndpoint);
                ASSERT_EQ(outcome.action, kRedirected);

                const std::size_t step = (std::min(mss, link) - kTimestamps) / 4 * 4;
                std::vector<Bytes> expected;
                for (std::size_t at = 0; at < c.hello.size(); at += step) {
                    Packet p = c.expected_hand_over();
                    p.seq += static_cast<std::uint32_t>(at);
                    p.payload = {c.hello.begin() + static_cast<std::ptrdiff_t>(at),
                                 c.hello.begin() + static_cast<std::ptrdiff_t>(std::min(at + step, c.hello.size()))};
                    expected.push_back(p.frame());
                }
                EXPECT_TRUE(same_frame(outcome.frame, expected.back()));
                expected.pop_back();
                const auto sent = tap.frames(expected.size());
                ASSERT_EQ(sent.size(), expected.size());
                for (std::size_t i = 0; i < sent.size(); ++i) EXPECT_TRUE(same_frame(sent[i], expected[i]));
            }
        }
    }
}

// RFC 9293 3.7.1: no segment is larger than the endpoint said; so one that takes too small ones gets none.
TEST_F(HandOverTest, EndpointThatTakesOnlyTinySegmentsCountsAsRefusing) {
    for (const auto* family : kFamilies) {
        for (const auto mss : std::vector<std::size_t>{0U, 1U, 48U, 75U}) {
            SCOPED_TRACE(testing::Message() << family->name << " MSS " << mss);
            Connection c = fresh(*family);
            ASSERT_NO_FATAL_FAILURE(connect(c));
            const auto outcome = run_packet(with_mss(c.packet(Side::kEndpoint, kSyn | kAck), mss), Side::kEndpoint);
            EXPECT_EQ(outcome.action, kRedirected);
            EXPECT_EQ(outcome.counted,
                      (Counted{{"endpoint_syn_ack", 1}, {"endpoint_mss_too_small", 1}, {"endpoint_refused", 1}}));
            EXPECT_TRUE(same_frame(outcome.frame, c.expected_refusal().frame()));
            EXPECT_EQ(flow_entries(), 0U);
        }
    }
}

TEST_F(HandOverTest, OldConnectionOfTheEndpointIsResetAndTheSynRepeated) {
    WireTap tap("far0");
    for (const auto* family : kFamilies) {
        Connection c = fresh(*family);
        ASSERT_NO_FATAL_FAILURE(connect(c));
        Packet challenge = c.packet(Side::kEndpoint, kAck);
        challenge.ack = 0x01020304;
        const auto outcome = run_packet(challenge, Side::kEndpoint);
        ASSERT_EQ(outcome.action, kRedirected);
        Packet syn = c.expected_endpoint_syn(parse(outcome.frame).value());
        syn.seq = c.our_isn;
        EXPECT_TRUE(same_frame(outcome.frame, syn.frame()));
        Packet reset = c.answer_to(Side::kEndpoint);
        reset.flags = kRst;
        reset.seq = challenge.ack;
        reset.window = 0;
        const auto sent = tap.frames(1);
        ASSERT_EQ(sent.size(), 1U);
        EXPECT_TRUE(same_frame(sent[0], reset.frame()));
        ASSERT_NO_FATAL_FAILURE(c.syn_ack());
        ASSERT_NO_FATAL_FAILURE(c.first_exchange());
    }
}

TEST_F(HandOverTest, RefusalLeadsToAnotherEndpointOfTheBackend) {
    serve_two();
    static constexpr Family kOthers[][2] = {{kIpv4, {"IPv4", kIpv4.client, kIpv4.vip, kIpv4.ours, "10.7.0.21"}},
                                            {kIpv6, {"IPv6", kIpv6.client, kIpv6.vip, kIpv6.ours, "fd07::21"}}};
    for (const auto& endpoints : kOthers) {
        Connection c = fresh(endpoints[0]);
        ASSERT_NO_FATAL_FAILURE(c.syn());
        auto outcome = run_packet(c.packet(Side::kClient, kAck, c.hello), Side::kClient);
        std::optional<Packet> syn;
        std::string tried;
        for (int attempt = 0; attempt < 4; ++attempt) {
            ASSERT_EQ(outcome.action, kRedirected) << attempt;
            syn = parse(outcome.frame);
            ASSERT_TRUE(syn);
            ASSERT_EQ(syn->flags, kSyn);
            EXPECT_NE(syn->destination, tried) << "never the one that just refused";
            Connection to(*this, endpoints[syn->destination == endpoints[1].endpoint], c.client_port);
            to.client = c.client;
            EXPECT_TRUE(same_frame(outcome.frame, to.expected_endpoint_syn(*syn).frame()));
            tried = syn->destination;
            Packet refusal = to.packet(Side::kEndpoint, kRst | kAck);
            refusal.destination_port = syn->source_port;
            refusal.ack = syn->seq + 1;
            outcome = run_packet(refusal, Side::kEndpoint);
            const bool last = attempt == 3;
            EXPECT_EQ(outcome.counted,
                      last ? (Counted{{"endpoint_rst", 1}, {"endpoint_refused", 1}})
                           : (Counted{{"endpoint_rst", 1}, {"endpoint_retry", 1}, {"endpoint_syn", 1}}));
        }
        ASSERT_EQ(outcome.action, kRedirected);
        EXPECT_TRUE(same_frame(outcome.frame, c.expected_refusal().frame()));
        EXPECT_EQ(flow_entries(), 0U);
    }
}

TEST_F(HandOverTest, SilenceLeadsToAnotherEndpointAtTheNextRetransmission) {
    serve_two();
    set_connect_timeout(0);
    for (const auto* family : kFamilies) {
        Connection c = fresh(*family);
        ASSERT_NO_FATAL_FAILURE(c.syn());
        const Packet hello = c.packet(Side::kClient, kAck, c.hello);
        const auto first = parse(run_packet(hello, Side::kClient).frame);
        const auto outcome = run_packet(hello, Side::kClient);
        EXPECT_EQ(outcome.counted,
                  (Counted{{"hello_segment", 1}, {"endpoint_timeout", 1}, {"endpoint_retry", 1}, {"endpoint_syn", 1}}));
        const auto second = parse(outcome.frame);
        ASSERT_TRUE(first && second);
        EXPECT_NE(first->destination, second->destination);
        EXPECT_EQ(second->flags, kSyn);

        late_answer_is_reset(c, *first);
    }
}

// Without another endpoint to ask, and without an answer: the end, and nothing is left of it.
TEST_F(HandOverTest, SilenceOfEveryEndpointIsTheEnd) {
    serve_two();
    set_connect_timeout(0);
    for (const auto* family : kFamilies) {
        Connection c = fresh(*family);
        ASSERT_NO_FATAL_FAILURE(c.syn());
        const Packet hello = c.packet(Side::kClient, kAck, c.hello);
        auto syn = parse(run_packet(hello, Side::kClient).frame);
        for (int repetition = 1; repetition < 4; ++repetition) syn = parse(run_packet(hello, Side::kClient).frame);
        ASSERT_TRUE(syn);
        ASSERT_EQ(syn->flags, kSyn);
        const auto end = run_packet(hello, Side::kClient);
        EXPECT_EQ(end.counted, (Counted{{"hello_segment", 1}, {"endpoint_timeout", 1}, {"endpoint_refused", 1}}));
        EXPECT_EQ(flow_entries(), 0U);

        late_answer_is_reset(c, *syn);
    }
}

TEST_F(HandOverTest, OneEndpointThatServesIsFoundBesideThreeThatRefuse) {
    std::vector<BackendEndpoint> addresses;
    for (const auto* network : {"10.7.0.", "fd07::"}) {
        for (const int host : {20, 21, 22, 23})
            addresses.emplace_back(at((network + std::to_string(host)).c_str(), kEndpointPort));
    }
    serve(addresses);
    for (const auto* family : kFamilies) {
        for (int round = 0; round < 20; ++round) {
            Connection c = fresh(*family);
            ASSERT_NO_FATAL_FAILURE(c.syn());
            auto outcome = run_packet(c.packet(Side::kClient, kAck, c.hello), Side::kClient);
            std::set<std::string> tried;
            for (int attempt = 0; attempt < 4; ++attempt) {
                const auto syn = parse(outcome.frame);
                ASSERT_TRUE(syn);
                ASSERT_EQ(syn->flags, kSyn);
                EXPECT_TRUE(tried.insert(syn->destination).second) << syn->destination << " again";
                Packet refusal = c.packet(Side::kEndpoint, kRst | kAck);
                refusal.source = syn->destination;
                refusal.destination_port = syn->source_port;
                refusal.ack = syn->seq + 1;
                outcome = run_packet(refusal, Side::kEndpoint);
            }
        }
    }
}

TEST_F(HandOverTest, RepeatedSynKeepsTheConnectionAlive) {
    set_connect_timeout(60'000);
    for (const auto* family : kFamilies) {
        Connection c = fresh(*family);
        ASSERT_NO_FATAL_FAILURE(c.syn());
        const Packet hello = c.packet(Side::kClient, kAck, c.hello);
        ASSERT_NO_FATAL_FAILURE(c.rest_of_hello());
        const auto opened = flow(hello)->seen;
        // The clock has units of about a second.
        std::uint32_t seen = opened;
        for (int i = 0; i < 100 && seen == opened; ++i) {
            std::this_thread::sleep_for(std::chrono::milliseconds(50));
            ASSERT_EQ(run_packet(hello, Side::kClient).counted, (Counted{{"hello_segment", 1}, {"endpoint_syn", 1}}));
            seen = flow(hello)->seen;
        }
        EXPECT_GT(seen, opened);
    }
}

// A RST whose acknowledgement was guessed, inside of the window or not, tells the endpoint nothing.
TEST_F(HandOverTest, ForgedResetChangesNothingOfWhatIsHandedOver) {
    for (const auto* family : kFamilies) {
        Connection c = fresh(*family);
        ASSERT_NO_FATAL_FAILURE(connect(c));
        Packet forged = c.packet(Side::kClient, kRst | kAck);
        forged.seq = c.start.client_isn + 1 + SG_STASH_BYTES;
        forged.ack = 4711;
        forged.window = 1;
        forged.options = timestamps({c.client.clock + 1'000'000, 5});
        EXPECT_EQ(run_packet(forged, Side::kClient).counted, (Counted{{"connecting", 1}}));
        ASSERT_NO_FATAL_FAILURE(c.syn_ack());
        ASSERT_NO_FATAL_FAILURE(c.first_exchange());
    }
}

}  // namespace
}  // namespace slipgate::test
