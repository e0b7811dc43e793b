// SPDX-License-Identifier: Apache-2.0
// What a connection costs in maps, as the kernel accounts for them.
#include <gtest/gtest.h>

#include <fstream>
#include <vector>

#include "tests/bpf/kernel_bench.h"

namespace slipgate {
namespace {

constexpr std::uint32_t kConnections = 4000;

class MapMemory : public test::KernelBench {
  protected:
    // Bytes; map_mem_usage in the kernel's bpf_map_ops.
    static std::uint64_t bytes(const Fd& map) {
        std::ifstream info("/proc/self/fdinfo/" + std::to_string(map.get()));
        std::string word;
        std::uint64_t value = 0;
        while (info >> word && word != "memlock:") continue;
        EXPECT_TRUE(info >> value);
        return value;
    }
    // With both entries of each connection in place; `number` makes the n-th key.
    template <typename Key, typename Value, typename Number>
    double bytes_per_connection(const char* name, Number number) {
        const Fd map = pinned(name);
        const auto before = bytes(map);
        for (std::uint32_t i = 0; i < 2 * kConnections; ++i) {
            const Key key = number(i);
            const Value value{};
            EXPECT_EQ(bpf_map_update_elem(map.get(), &key, &value, BPF_NOEXIST), 0);
        }
        const auto after = bytes(map);
        EXPECT_GT(after, before) << "the kernel does not say";
        return static_cast<double>(after - before) / kConnections;
    }
};

TEST_F(MapMemory, AConnectionTakesAtMost320BytesOverIpv4And448OverIpv6) {
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    const auto ipv4 = bytes_per_connection<sg_flow4_key, sg_flow4>(
        "flows4", [](std::uint32_t i) { return sg_flow4_key{i, 0, 0, 0}; });
    const auto ipv6 = bytes_per_connection<sg_tuple, sg_flow6>("flows6", [](std::uint32_t i) {
        sg_tuple key{};
        key.source.word[0] = i;
        return key;
    });
    EXPECT_LE(ipv4, 320);
    EXPECT_LE(ipv6, 448);
    RecordProperty("ipv4", std::to_string(ipv4));
    RecordProperty("ipv6", std::to_string(ipv6));
}

}  // namespace
}  // namespace slipgate
