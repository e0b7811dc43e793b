// SPDX-License-Identifier: Apache-2.0
// Flow entries put into the maps by hand, as BPF would: sg_flow4_key with sg_flow4, or sg_tuple with sg_flow6.
#pragma once

#include <bpf/bpf.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <vector>

#include <slipgate/abi.h>

namespace slipgate::test {

// SG_SECONDS
inline std::uint32_t clock_units() {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return SG_SECONDS(static_cast<__u64>(now.tv_sec) * 1'000'000'000ULL + static_cast<__u64>(now.tv_nsec));
}

// Both entries of a connection.
template <typename Key, typename Value>
struct MadeFlow {
    Key up_key, down_key;
    Value up, down;
};

// `client` as the client sends, `ours` as we send to the endpoint. Silent for `age`, in SG_SECONDS.
template <typename Value, typename Key>
MadeFlow<Key, Value> made_flow(const Key& client, const Key& ours, std::uint32_t state, std::uint32_t age) {
    MadeFlow<Key, Value> made{client, {ours.destination, ours.source, ours.destination_port, ours.source_port}, {}, {}};
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

// The client's tuple of the connection of that number, and ours; of addresses that no test uses otherwise.
template <typename Key>
struct Numbered {
    Key client, ours;
};
inline Numbered<sg_flow4_key> numbered(std::uint32_t number, const sg_flow4_key& /*family*/) {
    const auto address = [&](std::uint32_t network) { return __builtin_bswap32(network + number); };
    return {{address(0x0b000000), 1, 5, 5}, {2, address(0x0c000000), 6, 6}};
}
inline Numbered<sg_tuple> numbered(std::uint32_t number, const sg_tuple& /*family*/) {
    const sg_address vip{{1, 0, 0, 1}}, source{{1, 0, 0, 2}};
    return {{{{11, 0, 0, number}}, vip, 5, 5}, {source, {{12, 0, 0, number}}, 6, 6}};
}

// Fills a flow map with `count` connections: every tenth is live, the others ended long ago.
template <typename Key, typename Value>
void fill_with_flows(int map, std::uint32_t count) {
    constexpr std::uint32_t kAtOnce = 50'000;
    std::vector<Key> keys;
    std::vector<Value> values;
    for (std::uint32_t i = 0; i < count; ++i) {
        const bool live = i % 10 == 0;
        const auto tuples = numbered(i, Key{});
        const auto made =
            made_flow<Value>(tuples.client, tuples.ours, live ? SG_FLOW_ESTABLISHED : SG_FLOW_CLOSING, live ? 0 : 50);
        keys.insert(keys.end(), {made.up_key, made.down_key});
        values.insert(values.end(), {made.up, made.down});
        if (keys.size() < kAtOnce && i + 1 < count) continue;
        auto written = static_cast<__u32>(keys.size());
        ASSERT_EQ(bpf_map_update_batch(map, keys.data(), values.data(), &written, nullptr), 0);
        keys.clear();
        values.clear();
    }
}

}  // namespace slipgate::test
