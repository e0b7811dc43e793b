// SPDX-License-Identifier: Apache-2.0
// Garbage collection and events: flow entries are put into the pinned maps by hand, as BPF would.
#include <gmock/gmock.h>

#include <vector>

#include "agent/datapath/gc.h"
#include "tests/bpf/kernel_bench.h"
#include "tests/bpf/made_flows.h"

namespace slipgate {
namespace {

using test::at;

__be32 ipv4(const char* text) {
    return IpAddress::parse(text)->to_abi().word[3];
}
__be16 port(std::uint16_t value) {
    return __builtin_bswap16(value);
}

class GcTest : public test::KernelBench {
  protected:
    // A connection from 198.51.100.9:`client` by 192.0.2.1:443 and 10.7.0.1:61000+ to 10.7.0.20:8443.
    // `unacknowledged`: bytes that the client sent last and the endpoint has not acknowledged.
    void connection(std::uint16_t client, std::uint32_t state, std::uint32_t age, std::uint32_t unacknowledged = 0) {
        const auto ours = static_cast<std::uint16_t>(61000 + client);
        auto made = test::made_flow<sg_flow4>(
            sg_flow4_key{ipv4("198.51.100.9"), ipv4("192.0.2.1"), port(client), port(443)},
            sg_flow4_key{ipv4("10.7.0.1"), ipv4("10.7.0.20"), port(ours), port(8443)}, state, age);
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

}  // namespace
}  // namespace slipgate
