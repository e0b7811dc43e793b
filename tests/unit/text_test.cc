// SPDX-License-Identifier: Apache-2.0
#include "agent/base/text.h"

#include <gtest/gtest.h>

namespace slipgate {
namespace {

TEST(Clipped, KeepsWhatFits) {
    EXPECT_EQ(clipped("", 5), "");
    EXPECT_EQ(clipped("abcde", 5), "abcde");
    EXPECT_EQ(clipped("abcdef", 5), "ab...");
}

TEST(Clipped, CutsNoCharacterInTwo) {
    EXPECT_EQ(clipped("a\u00e9bcd", 5), "a...") << "of two bytes";
    EXPECT_EQ(clipped("\u20ac\u20ac\u20ac", 8), "\u20ac...") << "of three bytes";
    EXPECT_EQ(clipped("\u20ac\u20ac\u20ac", 6), "\u20ac...");
    EXPECT_EQ(clipped("\u20ac\u20ac\u20ac", 5), "...");
}

}  // namespace
}  // namespace slipgate
