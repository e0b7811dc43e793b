// SPDX-License-Identifier: Apache-2.0
// What is full or gone: no place for a hello, no room for an event, a VIP that was removed. Each has its counter, and
// all works again when there is room.
#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "tests/bpf/connection.h"

namespace slipgate::test {
namespace {

class FullTest : public SpliceBench {
  protected:
    // Both sides end the connection; the packet that completes it is forwarded whatever it counts.
    Counted end(Connection& c) {
        c.send(Side::kClient, c.packet(Side::kClient, kFin | kAck));
        const Packet fin = c.packet(Side::kEndpoint, kFin | kAck);
        const auto outcome = run_packet(fin, Side::kEndpoint);
        EXPECT_EQ(outcome.action, kRedirected);
        EXPECT_TRUE(same_frame(outcome.frame, c.translated(Side::kEndpoint, fin).frame()));
        EXPECT_EQ(flow(fin).value_or(sg_flow{}).state, SG_FLOW_CLOSING);
        return outcome.counted;
    }
};

// Openings that are being collected keep their places. With as many as there are places, one of the sets is full.
TEST_F(FullTest, HelloWithoutAPlaceIsDroppedUntilThereIsOne) {
    constexpr int kPlaces = SG_OPENING_SETS * SG_OPENING_WAYS;
    constexpr std::size_t kPart = 40;
    std::uint16_t port = 2000;
    for (const auto* family : kFamilies) {
        SCOPED_TRACE(family->name);
        std::vector<Connection> open;
        const auto next = [&]() -> Outcome {
            Connection& c = open.emplace_back(*this, *family, port++);
            c.syn();
            return run_packet(c.packet(Side::kClient, kAck, Bytes(c.hello.begin(), c.hello.begin() + kPart)),
                              Side::kClient);
        };
        const Counted kept{{"hello_segment", 1}, {"hello_incomplete", 1}};
        auto outcome = next();
        while (outcome.counted == kept && open.size() <= kPlaces) outcome = next();
        ASSERT_LE(open.size(), kPlaces + 1);
        EXPECT_EQ(outcome.action, kDropped);
        EXPECT_EQ(outcome.counted, (Counted{{"stash_full", 1}}));
        Connection last = open.back();
        open.pop_back();
        EXPECT_FALSE(opening(last.packet(Side::kClient, kAck)));
        const auto lost = std::count_if(open.begin(), open.end(),
                                        [&](const Connection& c) { return !opening(c.packet(Side::kClient, kAck)); });
        EXPECT_EQ(lost, 0) << "of " << open.size() << " that had a place";

        for (const auto& c : open) run_packet(c.packet(Side::kClient, kRst), Side::kClient);  // gives its place back
        ASSERT_NO_FATAL_FAILURE(last.part_of_hello(kPart));                                   // sent again
        ASSERT_NO_FATAL_FAILURE(last.rest_of_hello());
        ASSERT_NO_FATAL_FAILURE(last.syn_ack());
    }
}

// Without a reader.
TEST_F(FullTest, EventsAreLostAndCountedWhenTheRingIsFull) {
    bpf_map_info ring{};
    __u32 size = sizeof ring;
    ASSERT_EQ(bpf_obj_get_info_by_fd(pinned("events").get(), &ring, &size), 0);
    const auto most = ring.max_entries / sizeof(sg_refusal);
    // The event of an ended connection is smaller than a refusal's: the room that is left may take some of them.
    constexpr auto kSmaller = (sizeof(sg_refusal) + BPF_RINGBUF_HDR_SZ) / (sizeof(sg_event) + BPF_RINGBUF_HDR_SZ) + 1;
    for (const auto* family : kFamilies) {
        SCOPED_TRACE(family->name);
        std::vector<Connection> open;
        for (std::uint16_t port = 2000; port < 2000 + kSmaller; ++port) {
            open.emplace_back(*this, *family, port);
            ASSERT_NO_FATAL_FAILURE(open.back().establish());
        }
        Connection refused(*this, *family, 3000);
        ASSERT_NO_FATAL_FAILURE(refused.syn());
        const Packet plain = refused.packet(Side::kClient, kAck, Bytes(10, 'G'));
        const Counted told{{"hello_segment", 1}, {"not_tls", 1}};
        const Counted lost{{"hello_segment", 1}, {"not_tls", 1}, {"events_lost", 1}};
        // The cookie stays good, so each repetition is refused anew.
        std::size_t events = 0;
        auto outcome = run_packet(plain, Side::kClient);
        for (; outcome.counted == told && events <= most; outcome = run_packet(plain, Side::kClient)) ++events;
        EXPECT_GT(events, 0U);
        for (int i = 0; i < 3; ++i) {
            EXPECT_EQ(outcome.counted, lost);
            EXPECT_EQ(outcome.action, kRedirected) << "traffic goes on";
            EXPECT_TRUE(same_frame(outcome.frame, refused.expected_refusal().frame()));
            outcome = run_packet(plain, Side::kClient);
        }
        Counted counted;
        for (auto& c : open) {
            counted = end(c);
            events += counted.empty();
        }
        EXPECT_EQ(counted, (Counted{{"events_lost", 1}}));

        EXPECT_EQ(datapath().read_events([](const ConnectionEvent&) {}).value(), events);
        EXPECT_EQ(run_packet(plain, Side::kClient).counted, told);
        EXPECT_EQ(datapath().read_events([](const ConnectionEvent&) {}).value(), 1U);
    }
}

// A client whose closing connection was to a VIP that is gone by now uses its port again.
TEST_F(FullTest, SynToARemovedVipIsDropped) {
    for (const auto* family : kFamilies) {
        SCOPED_TRACE(family->name);
        Connection c(*this, *family, 2000);
        ASSERT_NO_FATAL_FAILURE(c.establish());
        EXPECT_EQ(end(c), Counted{});
        ASSERT_TRUE(datapath().apply({}));
        const Packet syn =
            Connection(*this, *family, 2000, {.client_isn = c.client.next + 1000}).packet(Side::kClient, kSyn);
        const auto outcome = run_packet(syn, Side::kClient);
        EXPECT_EQ(outcome.action, kDropped);
        EXPECT_EQ(outcome.counted, (Counted{{"no_vip", 1}}));
        EXPECT_EQ(flow(syn).value_or(sg_flow{}).state, SG_FLOW_CLOSING) << "its last packets are translated";
        serve({at(kIpv4.endpoint, kEndpointPort), at(kIpv6.endpoint, kEndpointPort)});
        EXPECT_EQ(run_packet(syn, Side::kClient).counted, (Counted{{"syn", 1}, {"syn_ack", 1}, {"tuple_reused", 1}}));
    }
}

}  // namespace
}  // namespace slipgate::test
