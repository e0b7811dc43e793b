// SPDX-License-Identifier: Apache-2.0
// Packets from whom there is nothing to expect: floods, reflections, addresses no sender has, and what is not ours.
#include <gmock/gmock.h>

#include <chrono>
#include <random>
#include <string_view>

#include "tests/bpf/connection.h"
#include "tests/bpf/either_link.h"

namespace slipgate::test {
namespace {

class FloodsTest : public EitherLink {};

TEST_P(FloodsTest, StormOfForeignAcksIsAnsweredUpToTheLimit) {
    constexpr std::uint32_t kLimit = 10, kPackets = 3000;
    auto settings = config();
    settings.rst_per_second = kLimit;
    set_config(settings);
    for (const auto* family : families()) {
        for (const auto side : {Side::kClient, Side::kEndpoint}) {
            Connection c(*this, *family, 2000);
            c.our_port = options.port_last;
            Packet p = c.packet(side, kAck, Bytes(10, 1));
            do {
                p.ack += 0x10000001;
            } while (side == Side::kClient && fits_a_cookie(p));
            Counted all;
            const auto start = std::chrono::steady_clock::now();
            for (std::uint32_t i = 0; i < kPackets; ++i) {
                for (const auto& [name, count] : run_packet(p, side).counted) all[name] += count;
            }
            const auto seconds = std::chrono::ceil<std::chrono::seconds>(std::chrono::steady_clock::now() - start);
            EXPECT_EQ(all["rst_sent"] + all["unknown_flow_limited"], kPackets);
            EXPECT_LE(all["rst_sent"], kLimit * (static_cast<std::uint64_t>(seconds.count()) + 1));
            EXPECT_EQ(all.size(), 2U);
        }
    }
    EXPECT_EQ(flow_entries(), 0U);
}

// What is answered without a limit: it must not help to flood a third party.
TEST_P(FloodsTest, AnswersBeforeTheHelloAreHardlyLongerThanWhatTheyAnswer) {
    constexpr std::size_t kUnasked = 8;  // MSS, and NOPs in the place of SACK
    std::uint16_t port = 2000;
    for (const auto* family : families()) {
        for (const bool timestamps : {false, true}) {
            for (const bool sack : {false, true}) {
                for (const int scale : {-1, 7}) {
                    Connection c(*this, *family, port++,
                                 {.timestamps = timestamps, .sack = sack, .client_scale = scale});
                    Packet syn = c.packet(Side::kClient, kSyn);
                    EXPECT_LE(run_packet(syn, Side::kClient).frame.size(), syn.frame().size());
                    syn.options.clear();
                    EXPECT_LE(run_packet(syn, Side::kClient).frame.size(), syn.frame().size() + kUnasked);

                    ASSERT_NO_FATAL_FAILURE(c.syn());
                    for (const std::size_t probed : {0U, 1U}) {
                        Packet probe = c.packet(Side::kClient, kAck, Bytes(probed, 0));
                        probe.seq--;
                        const auto outcome = run_packet(probe, Side::kClient);
                        EXPECT_EQ(outcome.counted, (Counted{{"keepalive_answered", 1}}));
                        EXPECT_LE(outcome.frame.size(), probe.frame().size());
                        do {
                            probe.ack += 0x10000001;
                        } while (fits_a_cookie(probe));
                        EXPECT_EQ(run_packet(probe, Side::kClient).counted, (Counted{{"rst_sent", 1}}));
                    }
                }
            }
        }
    }
}

TEST_P(FloodsTest, FloodsLeaveNoState) {
    std::mt19937 random(4711);  // the same run each time
    for (const auto* family : families()) {
        for (int i = 0; i < 5000; ++i) {
            Connection c(*this, *family, static_cast<std::uint16_t>(random()),
                         {.client_isn = static_cast<std::uint32_t>(random())});
            run_packet(c.packet(Side::kClient, kSyn), Side::kClient);
            Packet ack = c.packet(Side::kClient, kAck | kPsh, c.hello);
            ack.seq++;
            ack.ack = static_cast<std::uint32_t>(random());
            if (fits_a_cookie(ack))
                continue;  // one in 2048 may leave an opening, none a flow: see the hello's own tests
            EXPECT_EQ(run_packet(ack, Side::kClient).counted, (Counted{{"rst_sent", 1}}));
            EXPECT_FALSE(opening(ack));
        }
    }
    EXPECT_EQ(flow_entries(), 0U);
}

INSTANTIATE_TEST_SUITE_P(Links, FloodsTest, kLinks, link_name);

class SendersTest : public SpliceBench {
  protected:
    void expect_passed(const Outcome& outcome, const Bytes& frame) {
        EXPECT_EQ(outcome.action, kPassed);
        EXPECT_EQ(outcome.counted, Counted{});
        EXPECT_TRUE(same_frame(outcome.frame, frame));
    }
};

TEST_F(SendersTest, AddressesThatNoSenderHasGetNoAnswer) {
    const std::pair<const Family*, std::vector<const char*>> kMartians[] = {
        {&kIpv4, {"0.0.0.0", "0.1.2.3", "127.0.0.1", "224.0.0.1", "239.255.255.255", "255.255.255.255", kIpv4.vip}},
        {&kIpv6, {"::", "::1", "ff02::1", "ff0e::1234", kIpv6.vip}}};
    for (const auto& [family, sources] : kMartians) {
        for (const char* source : sources) {
            SCOPED_TRACE(source);
            Connection c(*this, *family, kVipPort);  // from the VIP: a land attack
            c.our_port = options.port_last;
            for (const std::uint8_t flags : Bytes{kSyn, kAck, kAck | kFin, kRst}) {
                Packet p = c.packet(Side::kClient, flags, Bytes(10, 1));
                p.source = source;
                auto outcome = run_packet(p, Side::kClient);
                EXPECT_EQ(outcome.action, kDropped);
                EXPECT_EQ(outcome.counted, (Counted{{"martian", 1}}));
                p = c.packet(Side::kEndpoint, flags, Bytes(10, 1));
                p.source = std::string_view(source) == family->vip ? family->ours : source;
                outcome = run_packet(p, Side::kEndpoint);
                EXPECT_EQ(outcome.action, kDropped);
                EXPECT_EQ(outcome.counted, (Counted{{"martian", 1}}));
            }
        }
    }
}

// RFC 1122 3.3.6: a unicast address in a broadcast frame is not answered.
TEST_F(SendersTest, BroadcastFramesGetNoAnswer) {
    for (const auto* family : kFamilies) {
        Connection c(*this, *family, 2000);
        for (const Mac mac : {Mac{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, Mac{1, 0, 0x5e, 0, 0, 1}}) {
            Packet syn = c.packet(Side::kClient, kSyn);
            syn.destination_mac = mac;
            const auto outcome = run_packet(syn, Side::kClient);
            EXPECT_EQ(outcome.action, kDropped);
            EXPECT_EQ(outcome.counted, (Counted{{"martian", 1}}));
        }
    }
}

TEST_F(SendersTest, WhatIsNotOursPassesUntouched) {
    for (const auto* family : kFamilies) {
        Connection c(*this, *family, 2000);
        c.our_port = options.port_last;
        for (const std::uint8_t flags : Bytes{kSyn, kAck, kRst, kFin | kAck, 0}) {
            std::vector<std::pair<Packet, Side>> packets;
            for (const auto port : std::vector<std::uint16_t>{0, 1, 442, 444, 65535}) {  // of the VIP's address
                Packet p = c.packet(Side::kClient, flags);
                p.destination_port = port;
                packets.emplace_back(p, Side::kClient);
            }
            Packet elsewhere = c.packet(Side::kClient, flags);
            elsewhere.destination = family->endpoint;
            packets.emplace_back(elsewhere, Side::kClient);
            for (const auto port : std::vector<std::uint16_t>{
                     0, 22, static_cast<std::uint16_t>(options.port_first - 1)}) {  // of our own address
                Packet p = c.packet(Side::kEndpoint, flags);
                p.destination_port = port;
                packets.emplace_back(p, Side::kEndpoint);
            }
            for (const auto& [p, side] : packets) {
                SCOPED_TRACE(describe(p.frame()));
                expect_passed(run_packet(p, side), p.frame());
            }
            Bytes udp = c.packet(Side::kClient, flags).frame();
            udp[kEthernet + (family == &kIpv6 ? 6 : 9)] = 17;
            expect_passed(run_packet(udp, Side::kClient), udp);
        }
    }
    Bytes arp(60, 0);
    arp[12] = 8;
    arp[13] = 6;
    expect_passed(run_packet(arp, Side::kClient), arp);
}

TEST_F(SendersTest, TaggedFramesPass) {
    for (const auto* family : kFamilies) {
        Connection c(*this, *family, 2000);
        ASSERT_NO_FATAL_FAILURE(c.establish());
        for (const Bytes& tag : {Bytes{0x81, 0, 0, 7}, Bytes{0x88, 0xa8, 0, 7, 0x81, 0, 0, 9}}) {
            for (const std::uint8_t flags : Bytes{kSyn, kAck}) {
                Bytes frame = c.packet(Side::kClient, flags).frame();
                frame.insert(frame.begin() + 12, tag.begin(), tag.end());
                expect_passed(run_packet(frame, Side::kClient), frame);
            }
        }
    }
}

TEST_F(SendersTest, PortZeroIsAPortLikeOthers) {
    for (const auto* family : kFamilies) {
        Connection c(*this, *family, 0);
        ASSERT_NO_FATAL_FAILURE(c.establish());
    }
}

}  // namespace
}  // namespace slipgate::test
