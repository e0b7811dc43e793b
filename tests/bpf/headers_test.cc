// SPDX-License-Identifier: Apache-2.0
// IP and TCP headers that are odd, broken or cut off. Nothing of ours reaches the network stack (dataplane rule 10.3).
#include <gmock/gmock.h>

#include "tests/bpf/connection.h"
#include "tests/bpf/either_link.h"

namespace slipgate::test {
namespace {

constexpr std::uint16_t kMoreFragments = 0x2000;
constexpr std::uint8_t kHopByHop = 0, kRouting = 43, kFragmentHeader = 44, kDestination = 60;

Bytes cut(const Bytes& bytes, std::size_t length) {
    return {bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(length)};
}

void put16(Bytes& bytes, std::size_t at, std::size_t value) {
    bytes[at] = static_cast<std::uint8_t>(value >> 8);
    bytes[at + 1] = static_cast<std::uint8_t>(value);
}

// One extension header of 8 bytes that leads to `next`: PadN of 4, or a routing header with no segment left.
Bytes extension(std::uint8_t kind, std::uint8_t next) {
    return kind == kRouting ? Bytes{next, 0, 4, 0, 0, 0, 0, 0} : Bytes{next, 0, 1, 4, 0, 0, 0, 0};
}

// The chain in front of TCP.
void put_in_front(Packet& p, const std::vector<std::uint8_t>& kinds) {
    p.next_header = kinds.front();
    for (std::size_t i = 0; i < kinds.size(); ++i)
        p.extensions = p.extensions + extension(kinds[i], i + 1 < kinds.size() ? kinds[i + 1] : kTcp);
}

class HeadersTest : public EitherLink {
  protected:
    struct Case {
        const char* name;
        Packet packet;
        Side side;
    };

    // One packet for each way into the programs: live flow, both directions; VIP; source port.
    std::vector<Case> ways_in(const Connection& live) {
        Packet syn = live.packet(Side::kClient, kSyn);
        syn.source_port = 1111;
        Packet ack = live.packet(Side::kClient, kAck, Bytes(40, 1));
        ack.source_port = 1112;
        Packet late = live.packet(Side::kEndpoint, kAck, Bytes(40, 1));
        late.source_port = 1113;
        return {{"to endpoint", live.packet(Side::kClient, kAck | kPsh, Bytes(40, 1)), Side::kClient},
                {"to client", live.packet(Side::kEndpoint, kAck | kPsh, Bytes(40, 1)), Side::kEndpoint},
                {"SYN", syn, Side::kClient},
                {"unknown client", ack, Side::kClient},
                {"unknown endpoint", late, Side::kEndpoint}};
    }

    void lives(Connection& c) {
        ASSERT_NO_FATAL_FAILURE(c.send(Side::kClient, c.packet(Side::kClient, kAck | kPsh, Bytes(10, 1))));
        ASSERT_NO_FATAL_FAILURE(c.send(Side::kEndpoint, c.packet(Side::kEndpoint, kAck | kPsh, Bytes(10, 1))));
    }

    void expect_passed(const Outcome& outcome, const Bytes& frame) {
        EXPECT_EQ(outcome.action, kPassed);
        EXPECT_EQ(outcome.counted, Counted{});
        EXPECT_TRUE(same_frame(outcome.frame, frame));
    }
    void expect_dropped(const Outcome& outcome, const std::string& counter) {
        EXPECT_EQ(outcome.action, kDropped);
        EXPECT_EQ(outcome.counted, (Counted{{counter, 1}}));
    }

    // The packet as a fragment: IPv4 in its header, IPv6 by a fragment header; `length` bytes of the TCP segment.
    static Bytes fragment(Packet p, std::size_t offset, bool more, std::size_t length) {
        const Bytes whole = p.frame();
        const Bytes tcp = {whole.begin() + static_cast<std::ptrdiff_t>(p.tcp_at()), whole.end()};
        if (p.ipv6()) {
            p.next_header = kFragmentHeader;
            p.extensions = Bytes{kTcp, 0} + u16(offset | (more ? 1 : 0)) + u32(4711);
        } else {
            p.fragment = static_cast<std::uint16_t>((more ? kMoreFragments : 0) | offset / 8);
        }
        return ip_frame(p, cut(tcp, length));
    }
};

TEST_P(HeadersTest, FirstFragmentsAreDroppedLaterOnesPass) {
    std::uint16_t port = 2000;
    for (const auto* family : families()) {
        Connection live(*this, *family, port++);
        ASSERT_NO_FATAL_FAILURE(live.establish());
        for (const auto& [name, packet, side] : ways_in(live)) {
            SCOPED_TRACE(testing::Message() << family->name << ", " << name);
            for (const auto length :
                 std::vector<std::size_t>{8, 16, 24, 40, 64}) {  // the first two without a whole TCP header
                SCOPED_TRACE(length);
                const Bytes first = fragment(packet, 0, true, length);
                if (length > packet.frame().size() - packet.tcp_at() || !can_run(first)) continue;
                expect_dropped(run_packet(first, side), "fragment");
            }
            for (const bool more : {true, false}) {
                const Bytes later = fragment(packet, 8, more, 16);
                expect_passed(run_packet(later, side), later);
            }
            for (const auto length : std::vector<std::size_t>{0, 3}) {  // no ports, and no stack takes it
                const Bytes tiny = fragment(packet, 0, true, length);
                if (can_run(tiny)) expect_passed(run_packet(tiny, side), tiny);
            }
            Packet foreign = packet;
            foreign.destination = family->client;
            const Bytes frame = fragment(foreign, 0, true, 24);
            expect_passed(run_packet(frame, side), frame);
        }
        lives(live);
    }
}

TEST_P(HeadersTest, Ipv4OptionsOfEachLengthAreKept) {
    std::uint16_t port = 2000;
    for (std::size_t length = 4; length <= 40; length += 4) {
        SCOPED_TRACE(length);
        const Bytes router_alert = Bytes{0x94, 4, 0, 0} + Bytes(length - 4, 1);
        Connection c(*this, *families()[0], port++);
        Packet syn = c.packet(Side::kClient, kSyn);
        syn.extensions = router_alert;
        const auto answer = run_packet(syn, Side::kClient);
        ASSERT_EQ(answer.action, kRedirected);
        EXPECT_TRUE(same_frame(answer.frame, c.expected_syn_ack(syn, parse(answer.frame).value()).frame()));
        ASSERT_NO_FATAL_FAILURE(c.establish());
        for (const auto side : {Side::kClient, Side::kEndpoint}) {
            Packet p = c.packet(side, kAck | kPsh, Bytes(30, 1));
            p.extensions = router_alert;
            ASSERT_NO_FATAL_FAILURE(c.send(side, p));
        }
    }
}

TEST_P(HeadersTest, Ipv6ExtensionHeadersAreWalkedAndKept) {
    std::vector<std::vector<std::uint8_t>> chains{
        {kHopByHop}, {kDestination}, {kRouting}, {kHopByHop, kDestination, kRouting, kDestination}};
    for (const auto length : std::vector<std::size_t>{5U, 8U, 9U, 60U}) chains.emplace_back(length, kDestination);
    std::uint16_t port = 2000;
    for (const auto& chain : chains) {
        SCOPED_TRACE(testing::Message() << chain.size() << " from " << int{chain.front()});
        Connection c(*this, *families()[1], port++);
        Packet syn = c.packet(Side::kClient, kSyn);
        put_in_front(syn, chain);
        const auto answer = run_packet(syn, Side::kClient);
        ASSERT_EQ(answer.action, kRedirected);
        EXPECT_TRUE(same_frame(answer.frame, c.expected_syn_ack(syn, parse(answer.frame).value()).frame()));
        ASSERT_NO_FATAL_FAILURE(c.establish());
        for (const auto side : {Side::kClient, Side::kEndpoint}) {
            Packet p = c.packet(side, kAck | kPsh, Bytes(30, 1));
            put_in_front(p, chain);
            ASSERT_NO_FATAL_FAILURE(c.send(side, p));
        }
    }
}

TEST_P(HeadersTest, Ipv6PacketsThatNoStackTakesAsTcpPass) {
    Connection c(*this, *families()[1], 2000);
    ASSERT_NO_FATAL_FAILURE(c.establish());
    Packet p = c.packet(Side::kClient, kAck, Bytes(30, 1));
    for (const std::uint8_t kind : Bytes{50, 51, 59, 135, 253}) {  // ESP, AH, none, mobility, experiment
        p.next_header = kind;
        p.extensions = extension(kDestination, kTcp);
        expect_passed(run_packet(p, Side::kClient), p.frame());
    }
    p.next_header = kRouting;
    p.extensions = {kTcp, 2, 4, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};  // a segment is left
    expect_passed(run_packet(p, Side::kClient), p.frame());
    p.next_header = kDestination;
    p.extensions = {kTcp, 255, 1, 4, 0, 0, 0, 0};  // longer than the packet
    expect_passed(run_packet(p, Side::kClient), p.frame());
    lives(c);
}

TEST_P(HeadersTest, CutOffAtEveryLength) {
    std::uint16_t port = 2000;
    for (const auto* family : families()) {
        Connection live(*this, *family, port++);
        ASSERT_NO_FATAL_FAILURE(live.establish());
        Connection connecting(*this, *family, port++);
        ASSERT_NO_FATAL_FAILURE(connecting.syn());
        ASSERT_NO_FATAL_FAILURE(connecting.rest_of_hello());
        auto all = ways_in(live);
        all.push_back({"SYN-ACK", connecting.packet(Side::kEndpoint, kSyn | kAck), Side::kEndpoint});
        all.push_back({"hello", connecting.packet(Side::kClient, kAck, connecting.hello), Side::kClient});
        for (const auto& [name, packet, side] : all) {
            const Bytes whole = packet.frame();
            for (std::size_t length = kEthernet + (packet.ipv6() ? 40 : 20); length < whole.size(); ++length) {
                SCOPED_TRACE(testing::Message() << family->name << ", " << name << ", " << length << " bytes");
                const Bytes frame = cut(whole, length);
                if (!can_run(frame)) continue;
                const auto outcome = run_packet(frame, side);
                if (length < packet.tcp_at() + 4) {
                    expect_passed(outcome, frame);  // without ports it is nobody's, and the stack throws it away
                } else {
                    expect_dropped(outcome, "bad_header");
                }
                if (HasFailure()) return;
            }
        }
        lives(live);
        ASSERT_NO_FATAL_FAILURE(connecting.syn_ack()) << "the connection took no harm";
    }
}

TEST_P(HeadersTest, LengthsThatContradictEachOther) {
    std::uint16_t port = 2000;
    for (const auto* family : families()) {
        Connection live(*this, *family, port++);
        ASSERT_NO_FATAL_FAILURE(live.establish());
        for (const auto& [name, packet, side] : ways_in(live)) {
            SCOPED_TRACE(testing::Message() << family->name << ", " << name);
            for (std::uint8_t words = 0; words < 5; ++words) {
                Packet p = packet;
                p.words = words;
                expect_dropped(run_packet(p, side), "bad_header");
            }
            Packet beyond = packet;
            beyond.payload.clear();
            beyond.options = {1, 1, 1, 1};
            beyond.words = 7;
            expect_dropped(run_packet(beyond, side), "bad_header");
            beyond.padding = Bytes(40, 0);  // in the frame, but not in the IP packet
            expect_dropped(run_packet(beyond, side), "bad_header");

            const std::size_t field = kEthernet + (packet.ipv6() ? 4 : 2);
            const std::size_t counted = packet.ipv6() ? 0 : 20;  // of the IP header, in that field
            for (const auto length : std::vector<std::size_t>{0, counted + 1, counted + 19, counted + 2000}) {
                SCOPED_TRACE(length);
                Bytes frame = packet.frame();
                put16(frame, field, length);
                expect_dropped(run_packet(frame, side), "bad_header");
            }
        }
        lives(live);
    }
    Connection c(*this, *families()[0], port++);
    ASSERT_NO_FATAL_FAILURE(c.establish());
    for (std::uint8_t words = 0; words < 5; ++words) {
        Bytes frame = c.packet(Side::kClient, kAck).frame();
        frame[kEthernet] = static_cast<std::uint8_t>(4 << 4 | words);
        expect_passed(run_packet(frame, Side::kClient), frame);
    }
}

TEST_P(HeadersTest, PaddingOfShortFramesIsNotData) {
    std::uint16_t port = 2000;
    for (const auto* family : families()) {
        Connection c(*this, *family, port++, {.timestamps = false});
        Packet syn = c.packet(Side::kClient, kSyn);
        syn.padding = Bytes(20, 0xee);
        const auto answer = run_packet(syn, Side::kClient);
        ASSERT_EQ(answer.action, kRedirected);
        EXPECT_TRUE(same_frame(answer.frame, c.expected_syn_ack(syn, parse(answer.frame).value()).frame()));
        ASSERT_NO_FATAL_FAILURE(c.syn());
        Packet first = c.packet(Side::kClient, kAck, cut(c.hello, 2));
        first.padding = Bytes(20, 0xee);
        EXPECT_EQ(run_packet(first, Side::kClient).counted, (Counted{{"hello_segment", 1}, {"hello_incomplete", 1}}));
        c.hello_sent = 2;
        c.client.next += 2;
        ASSERT_NO_FATAL_FAILURE(c.rest_of_hello());
        ASSERT_NO_FATAL_FAILURE(c.syn_ack()) << "the hello arrives as it was";
        ASSERT_NO_FATAL_FAILURE(c.first_exchange());
        for (const auto side : {Side::kClient, Side::kEndpoint}) {
            const auto before = flow(c.packet(side, kAck)).value();
            Packet ack = c.packet(side, kAck);
            ack.padding = Bytes(6, 0);
            ASSERT_NO_FATAL_FAILURE(c.send(side, ack));
            const auto after = flow(c.packet(side, kAck)).value();
            EXPECT_EQ(after.bytes, before.bytes);
            EXPECT_EQ(after.seq_end, before.seq_end);
        }
    }
}

TEST_P(HeadersTest, WrongChecksumStaysAsWrongOnTheWayThrough) {
    std::uint16_t port = 2000;
    for (const auto* family : families()) {
        Connection c(*this, *family, port++);
        ASSERT_NO_FATAL_FAILURE(c.establish());
        for (const auto side : {Side::kClient, Side::kEndpoint}) {
            for (const auto error : std::vector<std::uint16_t>{1, 0x5555, 0x8000, 0xfffe}) {
                Packet p = c.packet(side, kAck, Bytes(31, 9));
                const Packet there = c.translated(side, p);
                p.checksum_error = error;
                const auto sum = [&](const Packet& header, const Bytes& frame) {
                    const Bytes tcp = {frame.begin() + static_cast<std::ptrdiff_t>(header.tcp_at()), frame.end()};
                    return internet_checksum(pseudo_header(header, kTcp, tcp.size()) + tcp);
                };
                const auto outcome = run_packet(p, side);
                ASSERT_EQ(outcome.action, kRedirected);
                EXPECT_NE(sum(p, p.frame()), 0);
                EXPECT_EQ(sum(there, outcome.frame), sum(p, p.frame()));
                Bytes mended = outcome.frame;
                put16(mended, there.tcp_at() + 16,
                      there.frame()[there.tcp_at() + 16] << 8 | there.frame()[there.tcp_at() + 17]);
                EXPECT_TRUE(same_frame(mended, there.frame())) << "nothing but the checksum is wrong";
            }
        }
        for (const auto side : {Side::kClient, Side::kEndpoint}) {  // a RST might end the flow: none that is spoilt
            Packet reset = c.packet(side, kRst | kAck);
            reset.checksum_error = 0x0400;
            expect_dropped(run_packet(reset, side), "bad_checksum");
            EXPECT_EQ(flow(reset)->state, SG_FLOW_ESTABLISHED);
        }
        if (c.packet(Side::kClient, kAck).ipv6()) continue;
        Bytes frame = c.packet(Side::kClient, kAck).frame();
        frame[kEthernet + 10] ^= 0x55;
        const auto outcome = run_packet(frame, Side::kClient);
        ASSERT_EQ(outcome.action, kRedirected);
        EXPECT_EQ(internet_checksum({outcome.frame.begin() + kEthernet, outcome.frame.begin() + kEthernet + 20}),
                  internet_checksum({frame.begin() + kEthernet, frame.begin() + kEthernet + 20}));
    }
}

// What is made of these packets gets a checksum of its own: a corrupted one must not count (rule 10.10).
TEST_P(HeadersTest, WrongChecksumInAnOpeningIsDropped) {
    std::uint16_t port = 2000;
    for (const auto* family : families()) {
        SCOPED_TRACE(family->name);
        Connection c(*this, *family, port++);
        const auto spoilt = [&](Packet p, Side side) {
            p.checksum_error = 0x0101;
            expect_dropped(run_packet(p, side), "bad_checksum");
        };
        spoilt(c.packet(Side::kClient, kSyn), Side::kClient);
        ASSERT_NO_FATAL_FAILURE(c.syn());
        spoilt(c.packet(Side::kClient, kAck, c.hello), Side::kClient);
        ASSERT_NO_FATAL_FAILURE(c.part_of_hello(40));
        spoilt(c.packet(Side::kClient, kRst | kAck), Side::kClient);
        spoilt(c.packet(Side::kClient, kFin | kAck), Side::kClient);
        spoilt(c.packet(Side::kClient, kAck, Bytes(10, 1)), Side::kClient);
        ASSERT_NO_FATAL_FAILURE(c.rest_of_hello());
        spoilt(c.packet(Side::kEndpoint, kSyn | kAck), Side::kEndpoint);
        spoilt(c.packet(Side::kEndpoint, kRst | kAck), Side::kEndpoint);
        ASSERT_NO_FATAL_FAILURE(c.syn_ack());
        ASSERT_NO_FATAL_FAILURE(c.first_exchange());
    }
}

INSTANTIATE_TEST_SUITE_P(Links, HeadersTest, kLinks, link_name);

}  // namespace
}  // namespace slipgate::test
