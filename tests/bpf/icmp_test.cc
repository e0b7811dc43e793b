// SPDX-License-Identifier: Apache-2.0
// ICMP errors about packets that left here: translated byte for byte, with quotes of any length, and not where they are
// forged. ICMP errors about packets that do not fit.
#include <gmock/gmock.h>

#include <algorithm>

#include "tests/bpf/connection.h"
#include "tests/bpf/either_link.h"

namespace slipgate::test {
namespace {

constexpr Side kSides[] = {Side::kClient, Side::kEndpoint};
constexpr std::uint16_t kLoweredMtu = 1400;
constexpr std::size_t kPorts = 8;  // bytes of TCP that every quote must have (RFC 792)
constexpr std::uint8_t kDestinationOptions = 60;

struct Kind {
    std::uint8_t type, code;
    std::uint32_t mtu = kLoweredMtu;  // says something where the packet was too big
};

bool is_ipv6(const Family& family) {
    return family.vip == kIpv6.vip;
}
Kind unreachable(const Family& family) {
    return is_ipv6(family) ? Kind{1, 0} : Kind{3, 1};
}
Kind too_big(const Family& family) {
    return is_ipv6(family) ? Kind{2, 0} : Kind{3, 4};
}

// Padding, as options of an IPv4 header; or of an IPv6 header of its own, which leads to `next`.
Bytes padding(const Family& family, std::uint8_t next) {
    return is_ipv6(family) ? Bytes{next, 0, 1, 4, 0, 0, 0, 0} : Bytes{1, 1, 1, 1};
}

Bytes icmp_message(const Packet& outer, Kind kind, const Bytes& quote, std::uint16_t error = 0) {
    Bytes message = Bytes{kind.type, kind.code, 0, 0} + u32(kind.mtu) + quote;
    const Bytes pseudo = outer.ipv6() ? pseudo_header(outer, 58, message.size()) : Bytes{};
    const auto sum = static_cast<std::uint16_t>(internet_checksum(pseudo + message) ^ error);
    message[2] = static_cast<std::uint8_t>(sum >> 8);
    message[3] = static_cast<std::uint8_t>(sum);
    return message;
}

Bytes ip_packet(const Packet& p, std::size_t length) {
    const Bytes frame = p.frame();
    return {frame.begin() + kEthernet, frame.begin() + kEthernet + static_cast<std::ptrdiff_t>(length)};
}

class IcmpTest : public EitherLink {
  protected:
    // From a router on the way of what left towards the side; with an EtherType in its address (tunnel_entry.h).
    static Packet router(const Connection& c, Side side) {
        Packet p = c.packet(side, 0);
        p.source = p.ipv6() ? "2001:db8:86dd::1" : "8.0.3.77";
        p.next_header = p.ipv6() ? 58 : 1;
        return p;
    }
    // The error as it must arrive on the other side: from whom its receiver talks to.
    static Packet arriving(const Connection& c, Side side) {
        Packet p = c.translated(side, c.packet(side, 0));
        p.next_header = p.ipv6() ? 58 : 1;
        return p;
    }
    // The quote as its sender knows it: the first 8 bytes of TCP are translated, what follows is as it left.
    static Packet restored(const Packet& left, const Packet& sent) {
        Packet p = left;
        p.source = sent.source;
        p.destination = sent.destination;
        p.source_port = sent.source_port;
        p.destination_port = sent.destination_port;
        p.seq = sent.seq;
        return p;
    }
    // Bytes 8 and on of TCP, its checksum among them, are not the restored packet's own.
    static Bytes restored_quote(const Packet& left, const Packet& sent, std::size_t length) {
        Bytes quote = ip_packet(restored(left, sent), length);
        const Bytes as_left = ip_packet(left, length);
        const std::size_t same = left.ip_header() + kPorts;
        std::copy(as_left.begin() + static_cast<std::ptrdiff_t>(same), as_left.end(),
                  quote.begin() + static_cast<std::ptrdiff_t>(same));
        return quote;
    }
    // IPv4 options, or an IPv6 header of destination options.
    static void add_extensions(Packet& p, const Bytes& extensions) {
        p.extensions = extensions;
        if (p.ipv6() && !extensions.empty()) p.next_header = kDestinationOptions;
    }
    static Side other(Side side) { return side == Side::kClient ? Side::kEndpoint : Side::kClient; }

    // A packet on its way to the other side, which will not arrive: as sent and as it left.
    std::pair<Packet, Packet> lost(Connection& c, Side from, const Bytes& extensions = {}) {
        Packet sent = c.packet(from, kAck | kPsh, Bytes(101, 0x17));
        add_extensions(sent, extensions);
        const Packet left = c.translated(from, sent);
        c.send(from, sent);
        return {sent, left};
    }

    // The same, of an established connection; `back`: where a router's answer comes from.
    struct Loss {
        const Family& family;
        Connection& c;
        Side back;
        Packet left;
        Packet outer;  // of the router
    };
    template <typename Test>
    void after_each_loss(Test test) {
        for (const auto* family : families()) {
            for (const auto from : kSides) {
                Connection c(*this, *family, port_++);
                ASSERT_NO_FATAL_FAILURE(c.establish());
                Loss loss{*family, c, other(from), lost(c, from).second, router(c, other(from))};
                test(loss);
            }
        }
    }

    void expect(const Outcome& outcome, int action, const Counted& counted) {
        EXPECT_EQ(outcome.action, action);
        EXPECT_EQ(outcome.counted, counted);
    }

    std::uint16_t port_ = 2000;
};

TEST_P(IcmpTest, QuotesOfEachLengthAreTranslatedOrLeftAlone) {
    for (const auto* family : families()) {
        for (const auto& extensions : {Bytes{}, padding(*family, kTcp)}) {
            for (const auto from : kSides) {
                Connection c(*this, *family, port_++);
                ASSERT_NO_FATAL_FAILURE(c.establish());
                const auto [sent, left] = lost(c, from, extensions);
                const Packet outer = router(c, other(from));
                for (std::size_t length = 0; length <= left.frame().size() - kEthernet; ++length) {
                    SCOPED_TRACE(testing::Message() << family->name << ", " << length << " bytes");
                    const Bytes frame = ip_frame(outer, icmp_message(outer, too_big(*family), ip_packet(left, length)));
                    if (!can_run(frame)) continue;
                    const auto outcome = run_packet(frame, other(from));
                    if (length < left.ip_header() + kPorts) {
                        expect(outcome, kPassed, {});
                        EXPECT_TRUE(same_frame(outcome.frame, frame));
                        continue;
                    }
                    expect(outcome, kRedirected, {{"icmp_translated", 1}});
                    const Packet there = arriving(c, other(from));
                    const Bytes quote = restored_quote(left, sent, length);
                    ASSERT_TRUE(
                        same_frame(outcome.frame, ip_frame(there, icmp_message(there, too_big(*family), quote))));
                }
            }
        }
    }
}

TEST_P(IcmpTest, EachErrorIsTranslatedNothingElse) {
    for (const auto* family : families()) {
        Connection c(*this, *family, port_++);
        ASSERT_NO_FATAL_FAILURE(c.establish());
        const auto [sent, left] = lost(c, Side::kClient);
        const Packet outer = router(c, Side::kEndpoint);
        for (int type = 0; type < 256; ++type) {
            SCOPED_TRACE(testing::Message() << family->name << ", type " << type);
            const Kind kind{static_cast<std::uint8_t>(type), 0};
            const Bytes frame = ip_frame(outer, icmp_message(outer, kind, ip_packet(left, 64)));
            const bool error = is_ipv6(*family) ? type >= 1 && type <= 4 : type == 3 || type == 11 || type == 12;
            const auto outcome = run_packet(frame, Side::kEndpoint);
            expect(outcome, error ? kRedirected : kPassed, error ? Counted{{"icmp_translated", 1}} : Counted{});
        }
    }
}

TEST_P(IcmpTest, ForgedQuotesReachNobody) {
    after_each_loss([&](Loss& loss) {
        const auto about = [&](const Packet& quoted, const Packet& header) {
            const Bytes quote = ip_packet(quoted, quoted.ip_header() + kPorts);
            return run_packet(ip_frame(header, icmp_message(header, unreachable(loss.family), quote)), loss.back);
        };
        for (const std::uint32_t off : {0x80000000U, 0x40000000U, 1000U, 0U - 1000U}) {
            Packet forged = loss.left;
            forged.seq += off;
            expect(about(forged, loss.outer), kDropped, {{"icmp_out_of_window", 1}});
        }
        Packet forged = loss.left;
        forged.source_port++;
        expect(about(forged, loss.outer), kPassed, {});
        forged = loss.left;
        std::swap(forged.source, forged.destination);  // what we would have received
        std::swap(forged.source_port, forged.destination_port);
        expect(about(forged, loss.outer), kPassed, {});
        forged = loss.left;
        forged.next_header = 17;
        expect(about(forged, loss.outer), kPassed, {});
        Packet last_hop = loss.outer;
        last_hop.ttl = 1;
        expect(about(loss.left, last_hop), kDropped, {{"ttl_expired", 1}});
        expect(about(loss.left, loss.outer), kRedirected, {{"icmp_translated", 1}});
        EXPECT_EQ(flow(loss.c.packet(Side::kClient, kAck))->state, SG_FLOW_ESTABLISHED);
    });
}

// Where it is found out that an error is about a flow, but cannot be translated, the stack never has it.
TEST_P(IcmpTest, WithOptionsOfItsOwnOrOfADeadFlowIsDropped) {
    after_each_loss([&](Loss& loss) {
        const Bytes message =
            icmp_message(loss.outer, unreachable(loss.family), ip_packet(loss.left, loss.left.ip_header() + kPorts));
        Packet optioned = loss.outer;
        add_extensions(optioned, padding(loss.family, loss.outer.next_header));
        expect(run_packet(ip_frame(optioned, message), loss.back), kDropped, {{"bad_header", 1}});
        ASSERT_NO_FATAL_FAILURE(loss.c.close());
        expect(run_packet(ip_frame(loss.outer, message), loss.back), kDropped, {{"icmp_out_of_window", 1}});
        for (const auto side : kSides)
            change_flow(loss.c.packet(side, kAck), [](sg_flow& flow) { flow.state = SG_FLOW_DEAD; });
        expect(run_packet(ip_frame(loss.outer, message), loss.back), kDropped, {{"dead_flow", 1}});
    });
}

// RFC 5508 REQ-3
TEST_P(IcmpTest, WrongChecksumIsDropped) {
    after_each_loss([&](Loss& loss) {
        for (const auto length : {loss.left.ip_header() + kPorts, loss.left.frame().size() - kEthernet}) {
            for (const auto error : std::vector<std::uint16_t>{0, 1, 0x0100, 0x1111, 0x8000}) {
                SCOPED_TRACE(testing::Message() << loss.family.name << ", " << length << " bytes, XOR " << error);
                const Bytes message =
                    icmp_message(loss.outer, too_big(loss.family), ip_packet(loss.left, length), error);
                const auto outcome = run_packet(ip_frame(loss.outer, message), loss.back);
                expect(outcome, error ? kDropped : kRedirected, {{error ? "bad_checksum" : "icmp_translated", 1}});
            }
        }
        Bytes cut = ip_frame(loss.outer, icmp_message(loss.outer, too_big(loss.family), ip_packet(loss.left, 100)));
        cut.pop_back();
        expect(run_packet(cut, loss.back), kDropped, {{"bad_header", 1}});
    });
}

TEST_P(IcmpTest, UnreachableAboutOurSynRefusesOnlyWithItsNumber) {
    for (const auto* family : families()) {
        Connection c(*this, *family, port_++);
        ASSERT_NO_FATAL_FAILURE(c.syn());
        ASSERT_NO_FATAL_FAILURE(c.rest_of_hello());
        Packet syn = c.expected_endpoint_syn(c.answer_to(Side::kEndpoint));
        syn.source_port = c.our_port;
        const Packet outer = router(c, Side::kEndpoint);
        const auto about_syn = [&](Kind kind, std::uint32_t seq, std::uint16_t error = 0) {
            syn.seq = seq;
            const Bytes quote = ip_packet(syn, syn.ip_header() + kPorts);
            return run_packet(ip_frame(outer, icmp_message(outer, kind, quote, error)), Side::kEndpoint);
        };
        for (const std::uint32_t wrong : {c.our_isn + 1, c.our_isn - 1, c.our_isn + 0x80000000U})
            expect(about_syn(unreachable(*family), wrong), kDropped, {{"connecting", 1}});
        expect(about_syn(too_big(*family), c.our_isn), kDropped, {{"connecting", 1}});
        expect(about_syn(unreachable(*family), c.our_isn, 0x1111), kDropped, {{"bad_checksum", 1}});
        const auto outcome = about_syn(unreachable(*family), c.our_isn);
        expect(outcome, kRedirected, {{"endpoint_rst", 1}, {"endpoint_refused", 1}});
        EXPECT_TRUE(same_frame(outcome.frame, c.expected_refusal().frame()));
        EXPECT_EQ(flow_entries(), 0U);
    }
}

// The error comes from the address the packet was sent to, and quotes it as its sender knows it.
TEST_P(IcmpTest, PacketLargerThanTheWayOutIsToldToItsSender) {
    for (const char* link : {"up0", "dn0"})
        run(std::string("ip link set ") + link + " mtu " + std::to_string(kLoweredMtu));
    for (const auto* family : families()) {
        for (const auto from : kSides) {
            SCOPED_TRACE(testing::Message() << family->name << (from == Side::kClient ? " client" : " endpoint"));
            Connection c(*this, *family, port_++);
            ASSERT_NO_FATAL_FAILURE(c.establish());
            const Packet empty = c.packet(from, kAck);
            const auto room = kLoweredMtu + kEthernet - empty.frame().size();
            Packet p = c.packet(from, kAck | kPsh, Bytes(room, 7));
            change_flow(p, [](sg_flow& flow) { flow.seen = 0; });  // a second has passed: the kernel is asked again
            auto outcome = run_packet(p, from);
            expect(outcome, kRedirected, {});
            EXPECT_TRUE(same_frame(outcome.frame, c.translated(from, p).frame())) << "just fits";

            p.payload.push_back(7);
            outcome = run_packet(p, from);
            expect(outcome, kRedirected, {{"too_big", 1}});
            Packet back = c.answer_to(from);
            back.next_header = p.ipv6() ? 58 : 1;
            back.fragment = 0;
            const std::size_t quoted = p.ipv6() ? 1280 - 48 : 576 - 28;  // RFC 4443 2.4 (c), RFC 1812 4.3.2.3
            const Bytes message = icmp_message(back, too_big(*family), ip_packet(p, quoted));
            EXPECT_TRUE(same_frame(outcome.frame, ip_frame(back, message)));
            const auto entry = flow(p);
            ASSERT_TRUE(entry);
            EXPECT_EQ(entry->state, SG_FLOW_ESTABLISHED);
            EXPECT_EQ(entry->seq_end, p.seq + room) << "it was not sent";
        }
    }
}

// One that is shorter than the quote would be: any IP header, and the 8 bytes that RFC 792 asks for.
TEST_P(IcmpTest, ShortPacketLargerThanTheWayOutIsQuotedInPart) {
    constexpr std::uint16_t kSmall = 400;  // IPv6 has no such links
    constexpr std::size_t kQuoted = 60 + kPorts;
    for (const char* link : {"up0", "dn0"}) run(std::string("ip link set ") + link + " mtu " + std::to_string(kSmall));
    for (const auto from : kSides) {
        Connection c(*this, *families()[0], port_++);
        ASSERT_NO_FATAL_FAILURE(c.establish());
        const Packet p = c.packet(from, kAck | kPsh, Bytes(kSmall, 7));
        change_flow(p, [](sg_flow& flow) { flow.seen = 0; });
        const auto outcome = run_packet(p, from);
        expect(outcome, kRedirected, {{"too_big", 1}});
        Packet back = c.answer_to(from);
        back.next_header = 1;
        back.fragment = 0;
        const Bytes message = icmp_message(back, {3, 4, kSmall}, ip_packet(p, kQuoted));
        EXPECT_TRUE(same_frame(outcome.frame, ip_frame(back, message)));
    }
}

INSTANTIATE_TEST_SUITE_P(Links, IcmpTest, kLinks, link_name);

}  // namespace
}  // namespace slipgate::test
