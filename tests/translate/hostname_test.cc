// SPDX-License-Identifier: Apache-2.0
#include "agent/translate/hostname.h"

#include <gtest/gtest.h>

namespace slipgate {
namespace {

TEST(Hostname, WildcardCoversAnyNumberOfLabels) {
    EXPECT_TRUE(covers("*.example.com", "a.example.com"));
    EXPECT_TRUE(covers("*.example.com", "a.b.example.com"));
    EXPECT_TRUE(covers("*.com", "*.example.com"));
    EXPECT_TRUE(covers("*.example.com", "*.example.com"));
}

TEST(Hostname, WildcardNeedsALabelAndItsBoundary) {
    EXPECT_FALSE(covers("*.example.com", "example.com"));
    EXPECT_FALSE(covers("*.example.com", "badexample.com"));
    EXPECT_FALSE(covers("*.example.com", "*.com"));
    EXPECT_FALSE(covers("*.b.example.com", "*.example.com"));
}

TEST(Hostname, EmptyCoversEverythingAndOnlyEmptyCoversIt) {
    EXPECT_TRUE(covers("", "a"));
    EXPECT_TRUE(covers("", "*.a"));
    EXPECT_TRUE(covers("", ""));
    EXPECT_FALSE(covers("*.a", ""));
    EXPECT_FALSE(covers("a", ""));
}

TEST(Hostname, IntersectionIsTheNarrowerOne) {
    const auto expect = [](std::string_view a, std::string_view b, const std::optional<std::string>& both) {
        EXPECT_EQ(intersect(a, b), both) << a << " with " << b;
        EXPECT_EQ(intersect(b, a), both) << b << " with " << a;
    };
    expect("*.com", "*.example.com", "*.example.com");
    expect("www.example.com", "*.example.com", "www.example.com");
    expect("*.example.com", "example.com", std::nullopt);
    expect("a.example.com", "a.example.com", "a.example.com");
    expect("a.example.com", "b.example.com", std::nullopt);
    expect("*.a.com", "*.b.com", std::nullopt);
    expect("", "*.com", "*.com");
    expect("", "localhost", "localhost");
    expect("", "", "");
}

TEST(Hostname, AddressesAndOverlongLabelsNeverMatch) {
    EXPECT_FALSE(can_be_sni("192.0.2.1"));
    EXPECT_FALSE(can_be_sni("*.2.1"));
    EXPECT_FALSE(can_be_sni("2001:db8::1"));
    EXPECT_FALSE(can_be_sni(std::string(64, 'a') + ".example.com"));
    EXPECT_TRUE(can_be_sni(std::string(63, 'a') + ".example.com"));
    EXPECT_TRUE(can_be_sni("1.example.com"));
    EXPECT_TRUE(can_be_sni("*.com"));
    EXPECT_TRUE(can_be_sni(""));
    EXPECT_EQ(intersect("192.0.2.1", "*.2.1"), std::nullopt);
    EXPECT_EQ(intersect("", "192.0.2.1"), std::nullopt);
}

TEST(Hostname, WiderVisitsEveryCoveringHostname) {
    EXPECT_EQ(wider("a.b.c"), "*.b.c");
    EXPECT_EQ(wider("*.b.c"), "*.c");
    EXPECT_EQ(wider("*.c"), "");
    EXPECT_EQ(wider("c"), "");
    EXPECT_EQ(wider(""), std::nullopt);
}

}  // namespace
}  // namespace slipgate
