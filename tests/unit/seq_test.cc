// SPDX-License-Identifier: Apache-2.0
#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>

#include <slipgate/seq.h>

namespace slipgate {
namespace {

constexpr std::initializer_list<__u32> kPlaces{0, 1, 2, 0x7fffffff, 0x80000000, 0x80000001, 0xfffffffe, 0xffffffff};

TEST(Seq, BeforeWithinHalfTheSpace) {
    for (const auto seq : kPlaces) {
        EXPECT_FALSE(sg_seq_before(seq, seq));
        for (const __u32 ahead : {1U, 2U, 1460U, 0x40000000U, 0x7fffffffU}) {
            EXPECT_TRUE(sg_seq_before(seq, seq + ahead)) << seq << " + " << ahead;
            EXPECT_FALSE(sg_seq_before(seq + ahead, seq)) << seq << " + " << ahead;
        }
    }
}

TEST(Seq, BetweenIncludesBothEnds) {
    for (const auto low : kPlaces) {
        for (const __u32 width : {0U, 1U, 65535U, 0x7fffffffU, 0xfffffffeU}) {
            const __u32 high = low + width;
            EXPECT_TRUE(sg_seq_between(low, low, high));
            EXPECT_TRUE(sg_seq_between(high, low, high));
            EXPECT_TRUE(sg_seq_between(low + width / 2, low, high));
            EXPECT_FALSE(sg_seq_between(low - 1, low, high)) << low << " width " << width;
            EXPECT_FALSE(sg_seq_between(high + 1, low, high)) << low << " width " << width;
        }
    }
}

}  // namespace
}  // namespace slipgate
