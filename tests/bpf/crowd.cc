// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/crowd.h"

#include <arpa/inet.h>

#include <algorithm>
#include <vector>

#include "tests/bpf/made_flows.h"

namespace slipgate::test {
namespace {

constexpr std::uint32_t kSilent = 50;      // SG_SECONDS
constexpr std::uint32_t kAtOnce = 50'000;  // entries

template <typename Key>
Key key_of(const sg_tuple& tuple) {
    if constexpr (std::is_same_v<Key, sg_tuple>) {
        return tuple;
    } else {
        return {tuple.source.word[3], tuple.destination.word[3], tuple.source_port, tuple.destination_port};
    }
}

template <typename Key, typename Value>
void fill_as(int map, const Crowd& crowd, const sg_address& endpoint, std::uint32_t count) {
    std::vector<Key> keys;
    std::vector<Value> values;
    for (std::uint32_t i = 0; i < count; ++i) {
        const sg_tuple client = crowd.tuple(i);
        const sg_tuple ours{client.source, endpoint, client.source_port, htons(kEndpointPort)};
        const auto made = made_flow<Value>(key_of<Key>(client), key_of<Key>(ours),
                                           Crowd::is_live(i) ? SG_FLOW_ESTABLISHED : SG_FLOW_CLOSING, kSilent);
        keys.insert(keys.end(), {made.up_key, made.down_key});
        values.insert(values.end(), {made.up, made.down});
        if (keys.size() < kAtOnce && i + 1 < count) continue;
        auto written = static_cast<__u32>(keys.size());
        ASSERT_EQ(bpf_map_update_batch(map, keys.data(), values.data(), &written, nullptr), 0);
        keys.clear();
        values.clear();
    }
}

}  // namespace

Crowd::Crowd(const Family& family)
    : family_(family),
      first_{ip(family.client).to_abi(), ip(family.vip).to_abi(), htons(kFirstPort), htons(kVipPort)},
      endpoint_(ip(family.endpoint).to_abi()) {}

sg_tuple Crowd::tuple(std::uint32_t number) const {
    sg_tuple tuple = first_;
    tuple.source.word[3] = htonl(ntohl(tuple.source.word[3]) + number / kPorts);
    tuple.source_port = htons(static_cast<std::uint16_t>(kFirstPort + number % kPorts));
    return tuple;
}

void Crowd::readdress(Packet& packet, std::uint32_t number, Side side) const {
    const auto client = tuple(number);
    const bool sends = side == Side::kClient;
    (sends ? packet.source : packet.destination) = IpAddress(client.source).to_string();
    (sends ? packet.source_port : packet.destination_port) = ntohs(client.source_port);
}

void Crowd::fill(int map, std::uint32_t count) const {
    if (ip(family_.client).is_ipv6()) {
        fill_as<sg_tuple, sg_flow6>(map, *this, endpoint_, count);
    } else {
        fill_as<sg_flow4_key, sg_flow4>(map, *this, endpoint_, count);
    }
}

}  // namespace slipgate::test
