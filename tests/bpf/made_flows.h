// SPDX-License-Identifier: Apache-2.0
// Flow entries put into the maps by hand, as BPF would: sg_flow4_key with sg_flow4, or sg_tuple with sg_flow6.
#pragma once

#include <ctime>

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

}  // namespace slipgate::test
