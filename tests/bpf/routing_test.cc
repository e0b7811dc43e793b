// SPDX-License-Identifier: Apache-2.0
// Connections whose way out the kernel does not know any more, or does not know yet.
#include <gmock/gmock.h>

#include <vector>

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
    static void change_neighbour(const char* verb, const Family& family, Side side) {
        const bool client = side == Side::kClient;
        run(std::string("ip neigh ") + verb + " " + (client ? family.client : family.endpoint) + " lladdr " +
            (client ? "02:00:00:00:01:09 dev dn0" : "02:00:00:00:02:09 dev up0"));
    }
    static Side other(Side side) { return side == Side::kClient ? Side::kEndpoint : Side::kClient; }

    void expect_forwarded(const Connection& c, Side from, const Packet& p, const Counted& counted) {
        const auto outcome = run_packet(p, from);
        EXPECT_EQ(outcome.action, kRedirected);
        EXPECT_EQ(outcome.counted, counted);
        EXPECT_TRUE(same_frame(outcome.frame, c.translated(from, p).frame()));
    }
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
            for (const Counted& counted : {Counted{{"fib_fallback", 1}}, Counted{}})
                expect_forwarded(c, from, p, counted);
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

TEST_F(RoutingTest, EndpointWithoutARouteIsARefusalThatSaysSo) {
    std::uint16_t port = 2000;
    for (const auto* family : kFamilies) {
        SCOPED_TRACE(family->name);
        Connection c(*this, *family, port++);
        ASSERT_NO_FATAL_FAILURE(c.syn());
        ASSERT_NO_FATAL_FAILURE(change_route("del", *family, Side::kEndpoint));
        const Packet hello = c.packet(Side::kClient, kAck | kPsh, c.hello);
        const auto outcome = run_packet(hello, Side::kClient);
        EXPECT_EQ(outcome.action, kRedirected);
        EXPECT_EQ(outcome.counted, (Counted{{"hello_segment", 1}, {"hello", 1}, {"endpoint_unreachable", 1}}));
        EXPECT_TRUE(same_frame(outcome.frame, c.expected_refusal().frame()));
        EXPECT_EQ(flow_entries(), 0U);
        EXPECT_FALSE(opening(hello));

        std::vector<ConnectionEvent> events;
        ASSERT_TRUE(datapath().read_events([&](const ConnectionEvent& event) { events.push_back(event); }));
        ASSERT_EQ(events.size(), 1U);
        EXPECT_EQ(events[0].kind, ConnectionEvent::Kind::kRefused);
        EXPECT_EQ(events[0].reason, "endpoint_unreachable");
        EXPECT_EQ(events[0].client, at(family->client, c.client_port));
        EXPECT_EQ(events[0].endpoint, at(family->endpoint, kEndpointPort));
        ASSERT_NO_FATAL_FAILURE(change_route("add", *family, Side::kEndpoint));
    }
}

// Sent all the same, by the kernel, which asks for the neighbour: each packet until it is known.
TEST_F(RoutingTest, UnknownNeighbourIsLeftToTheKernel) {
    const Counted unresolved{{"neighbour_unresolved", 1}};
    std::uint16_t port = 2000;
    for (const auto* family : kFamilies) {
        SCOPED_TRACE(family->name);
        Connection c(*this, *family, port++);
        ASSERT_NO_FATAL_FAILURE(c.syn());
        const Packet hello = c.packet(Side::kClient, kAck | kPsh, c.hello);
        ASSERT_NO_FATAL_FAILURE(change_neighbour("del", *family, Side::kEndpoint));
        const auto outcome = run_packet(hello, Side::kClient);
        EXPECT_EQ(outcome.action, kRedirected);
        Counted counted{{"hello_segment", 1}, {"hello", 1}, {"endpoint_syn", 1}, {"neighbour_unresolved", 1}};
        EXPECT_EQ(outcome.counted, counted);
        const auto syn = parse(outcome.frame);
        ASSERT_TRUE(syn) << describe(outcome.frame);
        Packet expected = c.expected_endpoint_syn(*syn);
        expected.destination_mac = expected.source_mac = {};  // the kernel's to fill in
        EXPECT_TRUE(same_frame(outcome.frame, expected.frame()));
        ASSERT_NO_FATAL_FAILURE(change_neighbour("replace", *family, Side::kEndpoint));

        Connection open(*this, *family, port++);
        ASSERT_NO_FATAL_FAILURE(open.establish());
        for (const auto from : {Side::kClient, Side::kEndpoint}) {
            const Packet p = open.packet(from, kAck | kPsh, Bytes(100, 7));
            ASSERT_NO_FATAL_FAILURE(change_neighbour("del", *family, other(from)));
            a_second_later(p);
            for (int i = 0; i < 2; ++i) expect_forwarded(open, from, p, unresolved);
            ASSERT_NO_FATAL_FAILURE(change_neighbour("replace", *family, other(from)));
            a_second_later(p);
            EXPECT_EQ(run_packet(p, from).counted, Counted{});
        }
    }
}

}  // namespace
}  // namespace slipgate::test
