// SPDX-License-Identifier: Apache-2.0
// The weighted choice, by drawing every number there is.
#include <gtest/gtest.h>

#include <vector>

#include <slipgate/weights.h>

namespace slipgate {
namespace {

// How many of all possible draws each entry takes.
std::vector<__u32> taken(const std::vector<__u32>& weights) {
    std::vector<__u32> totals;
    totals.reserve(weights.size());
    __u32 total = 0;
    for (const auto weight : weights) totals.push_back(total += weight);
    std::vector<__u32> counts(weights.size());
    for (__u32 draw = 0; draw < total; draw++) {
        std::size_t entry = 0;
        while (entry < totals.size() && !sg_weight_takes(totals[entry], draw)) entry++;
        if (entry == totals.size()) {
            ADD_FAILURE() << "draw " << draw << " of " << total << " falls to nobody";
            break;
        }
        counts[entry]++;
    }
    return counts;
}

TEST(Weights, EachEntryTakesExactlyItsShare) {
    const std::vector<std::vector<__u32>> cases{
        {1},          {90, 10},     {1, 1, 1},    {0, 1},
        {1, 0},       {0, 0, 7},    {3, 0, 0, 5}, {1000000, 1000000},
        {1000000, 1}, {1, 1000000}, {0, 5, 0},    {2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53},
    };
    for (const auto& weights : cases) EXPECT_EQ(taken(weights), weights);
    EXPECT_EQ(taken(std::vector<__u32>(SG_BACKEND_REFS_MAX, 1000000)),
              std::vector<__u32>(SG_BACKEND_REFS_MAX, 1000000));
}

TEST(Weights, DrawsAreUniform) {
    for (const __u32 total : {1U, 2U, 3U, 10U, 100U, 101U}) {
        std::vector<__u32> counts(total);
        for (__u64 random = 0; random < 7ULL * total; random++) {
            const auto draw = sg_weight_draw(random, total);
            ASSERT_LT(draw, total);
            counts[draw]++;
        }
        EXPECT_EQ(counts, std::vector<__u32>(total, 7));
    }
}

TEST(Weights, DrawUsesAll64Bits) {
    const __u32 total = 16U * 1000000U;
    EXPECT_LT(sg_weight_draw(~0ULL, total), total);
    EXPECT_EQ(sg_weight_draw((1ULL << 63) + 5, total), static_cast<__u32>(((1ULL << 63) + 5) % total));
    EXPECT_NE(sg_weight_draw(1ULL << 63, total), sg_weight_draw(0, total));
}

}  // namespace
}  // namespace slipgate
