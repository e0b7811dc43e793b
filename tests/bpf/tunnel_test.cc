// SPDX-License-Identifier: Apache-2.0
// What splice_l3.bpf.c does by itself. All that comes after it runs on tunnels, too, in states_test.cc and in suites of
// EitherLink.
#include <gtest/gtest.h>

#include "tests/bpf/connection.h"

namespace slipgate::test {
namespace {

class TunnelTest : public SpliceBench {
  protected:
    TunnelTest() : SpliceBench(Framing::kNone) {}
};

TEST_F(TunnelTest, TheDeviceCarriesTheProgramOfItsFraming) {
    for (const char* link : {"links/dn0", "links/up0"}) EXPECT_STREQ(attached(link).name, "splice_l3") << link;
}

TEST_F(TunnelTest, WholeConnections) {
    for (const auto* family : families()) {
        SCOPED_TRACE(family->name);
        Connection c(*this, *family, 2000);
        ASSERT_NO_FATAL_FAILURE(c.establish());
        for (const auto side : {Side::kClient, Side::kEndpoint})
            ASSERT_NO_FATAL_FAILURE(c.send(side, c.packet(side, kAck | kPsh, Bytes(1000, 0x17))));
        ASSERT_NO_FATAL_FAILURE(c.close());
        EXPECT_EQ(flow(c.packet(Side::kClient, kAck)).value_or(sg_flow{}).state, SG_FLOW_CLOSING);
    }
}

// Other programs and the stack see what cannot be ours as it came: without the header that splice needs.
TEST_F(TunnelTest, WhatCannotBeOursKeepsItsShape) {
    constexpr std::uint8_t kUdp = 17;
    for (const auto* family : families()) {
        SCOPED_TRACE(family->name);
        Packet p = Connection(*this, *family, 2000).packet(Side::kClient, kAck);
        p.next_header = kUdp;
        const Bytes frame = ip_frame(p, Bytes(40, 0x17));
        const auto outcome = run_packet(frame, Side::kClient);
        EXPECT_EQ(outcome.action, kPassed);
        EXPECT_EQ(outcome.counted, Counted{});
        EXPECT_EQ(outcome.frame, Bytes(frame.begin() + kEthernet, frame.end()));
    }
}

}  // namespace
}  // namespace slipgate::test
