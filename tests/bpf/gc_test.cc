// SPDX-License-Identifier: Apache-2.0
// Garbage collection and events: flow entries are put into the pinned maps by hand, as BPF would.
#include <gmock/gmock.h>

#include <ctime>
#include <vector>

#include "agent/datapath/gc.h"
#include "tests/bpf/kernel_bench.h"

namespace slipgate {
namespace {

using test::at;

std::uint32_t clock_units() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return SG_SECONDS(static_cast<__u64>(now.tv_sec) * 1'000'000'000ULL + static_cast<__u64>(now.tv_nsec));
}

__be32 ipv4(const char* text) {
    return IpAddress::parse(text)->to_abi().word[3];
}
__be16 port(std::uint16_t value) {
    return __builtin_bswap16(value);
}

class GcTest : public test::KernelBench {
  protected:
    // Both entries of a connection: `client` as the client sends, `ours` as we send to the endpoint. Silent for `age`.
    struct Entries {
        sg_flow4_key up_key, down_key;
        sg_flow4 up, down;
    };
    static Entries entries(const sg_flow4_key& client, const sg_flow4_key& ours, std::uint32_t state,
                           std::uint32_t age) {
        Entries made{client, {ours.destination, ours.source, ours.destination_port, ours.source_port}, {}, {}};
        made.up.flow.state = state;
        made.up.flow.seen = made.up.flow.opened = clock_units() - age;
        made.up.flow.route = SG_ROUTE_NONE;
        made.down = made.up;
        made.up.flow.bytes = 11;
        made.up.source = ours.source;
        made.up.destination = ours.destination;
        made.up.flow.source_port = ours.source_port;
        made.up.flow.destination_port = ours.destination_port;
        made.down.flow.bytes = 22;
        made.down.flow.flags = SG_FLOW_TO_CLIENT;
        made.down.source = client.destination;
        made.down.destination = client.source;
        made.down.flow.source_port = client.destination_port;
        made.down.flow.destination_port = client.source_port;
        return made;
    }
    // A connection from 198.51.100.9:`client` by 192.0.2.1:443 and 10.7.0.1:61000+ to 10.7.0.20:8443.
    // `unacknowledged`: bytes that the client sent last and the endpoint has not acknowledged.
    void connection(std::uint16_t client, std::uint32_t state, std::uint32_t age, std::uint32_t unacknowledged = 0) {
        const auto ours = static_cast<std::uint16_t>(61000 + client);
        auto made = entries({ipv4("198.51.100.9"), ipv4("192.0.2.1"), port(client), port(443)},
                            {ipv4("10.7.0.1"), ipv4("10.7.0.20"), port(ours), port(8443)}, state, age);
        made.up.flow.seq_end = 0xffffff00 + unacknowledged;
        made.up.flow.seq_delta = 5000;
        made.down.flow.ack = 0xffffff00 + 5000;
        const Fd flows = pinned("flows4");
        ASSERT_EQ(bpf_map_update_elem(flows.get(), &made.up_key, &made.up, BPF_NOEXIST), 0);
        ASSERT_EQ(bpf_map_update_elem(flows.get(), &made.down_key, &made.down, BPF_NOEXIST), 0);
    }
    static std::uint64_t counter(const Datapath& datapath, std::string_view name) {
        const auto counters = datapath.counters();
        if (!counters) return 0;
        const auto found =
            std::find_if(counters->begin(), counters->end(), [&](const auto& c) { return c.name == name; });
        return found == counters->end() ? 0 : found->value;
    }
    std::set<std::uint16_t> clients() {
        std::set<std::uint16_t> ports;
        entries_ = 0;
        const Fd flows = pinned("flows4");
        sg_flow4_key key{};
        for (int more = bpf_map_get_next_key(flows.get(), nullptr, &key); more == 0;
             more = bpf_map_get_next_key(flows.get(), &key, &key)) {
            ++entries_;
            if (key.destination_port == port(443)) ports.insert(port(key.source_port));
        }
        return ports;
    }
    int entries_ = 0;
};

TEST_F(GcTest, OnlyWhatIsOverGoesAndIsReported) {
    options.closing_time = std::chrono::seconds(10);
    options.idle_timeout = std::chrono::seconds(100);
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    connection(1, SG_FLOW_CLOSING, 50);
    connection(2, SG_FLOW_CLOSING, 1);
    connection(3, SG_FLOW_ESTABLISHED, 50);
    connection(4, SG_FLOW_ESTABLISHED, 500);
    ASSERT_TRUE(datapath->tick());
    EXPECT_THAT(clients(), testing::ElementsAre(2, 3));
    EXPECT_EQ(entries_, 4) << "both directions go";

    std::vector<ConnectionEvent> events;
    const auto read = datapath->read_events([&](const ConnectionEvent& event) { events.push_back(event); });
    ASSERT_TRUE(read);
    EXPECT_EQ(*read, events.size());
    const auto idle = std::find_if(events.begin(), events.end(), [](const auto& e) { return e.reason == "idle"; });
    ASSERT_NE(idle, events.end());
    EXPECT_EQ(idle->kind, ConnectionEvent::Kind::kClosed);
    EXPECT_EQ(idle->client, at("198.51.100.9", 4));
    EXPECT_EQ(idle->vip, at("192.0.2.1", 443));
    EXPECT_EQ(idle->endpoint, at("10.7.0.20", 8443));
    EXPECT_EQ(idle->source, at("10.7.0.1", 61004));
    EXPECT_EQ(idle->bytes_up, 11U);
    EXPECT_EQ(idle->bytes_down, 22U);

    EXPECT_EQ(counter(*datapath, "gc_removed"), 4U);
}

TEST_F(GcTest, ClosingWaitsForTheLastAcknowledgement) {
    options.closing_time = std::chrono::seconds(1);
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    connection(1, SG_FLOW_CLOSING, 20);
    connection(2, SG_FLOW_CLOSING, 20, 1);
    connection(3, SG_FLOW_CLOSING, 20, 1000);
    connection(4, SG_FLOW_CLOSING, 40, 1);
    ASSERT_TRUE(datapath->tick());
    EXPECT_THAT(clients(), testing::ElementsAre(2, 3)) << "their sender may send once more";
}

TEST_F(GcTest, ConnectionsAreCountedByEachCompleteWalk) {
    options.max_connections = 65536;
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    for (std::uint16_t client = 1; client <= 3000; ++client) connection(client, SG_FLOW_CLOSING, 50);
    connection(4000, SG_FLOW_ESTABLISHED, 1);
    ASSERT_TRUE(datapath->tick());
    EXPECT_THAT(clients(), testing::ElementsAre(4000));
    EXPECT_EQ(datapath->flows().closing, 6000U) << "as the walk found them";
    for (std::uint32_t i = 0; i < GarbageCollector::kStepsBetweenWalks; ++i) {
        EXPECT_EQ(datapath->flows().closing, 6000U) << "no walk is complete";
        ASSERT_TRUE(datapath->tick());
    }
    EXPECT_EQ(datapath->flows().established, 2U);
    EXPECT_EQ(datapath->flows().closing, 0U);
}

// Each tick looks at a bounded number of entries, however many there are.
TEST_F(GcTest, AMillionConnectionsGoInBoundedSteps) {
    constexpr std::uint32_t kConnections = 1'000'000;
    options.max_connections = kConnections;
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    const Fd flows = pinned("flows4");
    std::vector<sg_flow4_key> keys;
    std::vector<sg_flow4> values;
    for (std::uint32_t i = 0; i < kConnections; ++i) {
        const bool live = i % 10 == 0;
        const auto made = entries({__builtin_bswap32(0x0b000000 + i), ipv4("192.0.2.1"), port(5), port(443)},
                                  {ipv4("10.7.0.1"), __builtin_bswap32(0x0c000000 + i), port(61000), port(8443)},
                                  live ? SG_FLOW_ESTABLISHED : SG_FLOW_CLOSING, live ? 0 : 50);
        keys.insert(keys.end(), {made.up_key, made.down_key});
        values.insert(values.end(), {made.up, made.down});
    }
    __u32 count = 2 * kConnections;
    ASSERT_EQ(bpf_map_update_batch(flows.get(), keys.data(), values.data(), &count, nullptr), 0);

    std::uint64_t before = 0, removed = 0;
    int ticks = 0;
    while (datapath->flows().established == 0 && ++ticks < 100) {
        ASSERT_TRUE(datapath->tick());
        removed = counter(*datapath, "gc_removed");
        ASSERT_LE(removed - before, 2 * (32768U + 4096U)) << "a step and the batch it began, both directions";
        before = removed;
    }
    EXPECT_EQ(removed, 2 * kConnections / 10 * 9);
    EXPECT_EQ(datapath->flows().established, 2 * kConnections / 10);
}

}  // namespace
}  // namespace slipgate
