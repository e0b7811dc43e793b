// SPDX-License-Identifier: Apache-2.0
// Connections whose way out the kernel does not know any more, or does not know yet.
#include <gmock/gmock.h>

#include "tests/bpf/connection.h"

namespace slipgate::test {
namespace {

class RoutingTest : public SpliceBench {
  protected:
    static std::string network(const Family& family, Side side) {
        if (side == Side::kClient) return &family == &kIpv6 ? "2001:db8::/64" : "198.51.100.0/24";
        return &family == &kIpv6 ? "fd07::/64" : "10.7.0.0/24";
    }
    // The route by which packets reach the side.
    static void change_route(const char* verb, const Family& family, Side to) {
        run(std::string("ip route ") + verb + " " + network(family, to) + " dev " +
            (to == Side::kClient ? "dn0" : "up0"));
    }
    // The kernel is asked again with the next packet: a second has passed.
    void a_second_later(const Packet& p) {
        change_flow(p, [](sg_flow& flow) { flow.seen = 0; });
    }
    static Side other(Side side) { return side == Side::kClient ? Side::kEndpoint : Side::kClient; }
};

TEST_F(RoutingTest, LostRouteIsCountedAndTheLastKnownWayStaysInUse) {
    std::uint16_t port = 2000;
    for (const auto* family : kFamilies) {
        for (const auto from : {Side::kClient, Side::kEndpoint}) {
            SCOPED_TRACE(family->name);
            Connection c(*this, *family, port++);
            ASSERT_NO_FATAL_FAILURE(c.establish());
            const Packet p = c.packet(from, kAck | kPsh, Bytes(100, 7));
            ASSERT_NO_FATAL_FAILURE(change_route("del", *family, other(from)));
            a_second_later(p);
            for (const Counted& counted : {Counted{{"fib_fallback", 1}}, Counted{}}) {
                const auto outcome = run_packet(p, from);
                EXPECT_EQ(outcome.action, kRedirected);
                EXPECT_EQ(outcome.counted, counted);
                EXPECT_TRUE(same_frame(outcome.frame, c.translated(from, p).frame()));
            }
            ASSERT_NO_FATAL_FAILURE(change_route("add", *family, other(from)));
            a_second_later(p);
            EXPECT_EQ(run_packet(p, from).counted, Counted{});
        }
    }
}

TEST_F(RoutingTest, NoRouteToTheClientWhenTheEndpointAnswersDropsUntilThereIsOne) {
    std::uint16_t port = 2000;
    for (const auto* family : kFamilies) {
        SCOPED_TRACE(family->name);
        Connection c(*this, *family, port++);
        ASSERT_NO_FATAL_FAILURE(c.syn());
        ASSERT_NO_FATAL_FAILURE(c.rest_of_hello());
        ASSERT_NO_FATAL_FAILURE(change_route("del", *family, Side::kClient));
        ASSERT_NO_FATAL_FAILURE(c.syn_ack());
        const Packet p = c.packet(Side::kEndpoint, kAck | kPsh, Bytes(100, 7));
        for (int second = 0; second < 2; ++second) {
            a_second_later(p);
            const auto outcome = run_packet(p, Side::kEndpoint);
            EXPECT_EQ(outcome.action, kDropped);
            EXPECT_EQ(outcome.counted, (Counted{{"fib_failed", 1}}));
        }
        ASSERT_NO_FATAL_FAILURE(change_route("add", *family, Side::kClient));
        a_second_later(p);
        const auto outcome = run_packet(p, Side::kEndpoint);
        EXPECT_EQ(outcome.action, kRedirected);
        EXPECT_EQ(outcome.counted, Counted{});
        EXPECT_TRUE(same_frame(outcome.frame, c.translated(Side::kEndpoint, p).frame()));
    }
}

}  // namespace
}  // namespace slipgate::test
