// SPDX-License-Identifier: Apache-2.0
#include "agent/base/ip_prefix.h"

#include <gtest/gtest.h>

namespace slipgate {
namespace {

bool contains(std::string_view prefix, std::string_view address) {
    const auto parsed = IpPrefix::parse(prefix);
    EXPECT_TRUE(parsed) << prefix;
    return parsed && parsed->contains(*IpAddress::parse(address));
}

TEST(IpPrefix, ContainsWhatBeginsLikeIt) {
    EXPECT_TRUE(contains("10.1.0.0/16", "10.1.0.0"));
    EXPECT_TRUE(contains("10.1.0.0/16", "10.1.255.255"));
    EXPECT_FALSE(contains("10.1.0.0/16", "10.2.0.0"));
    EXPECT_FALSE(contains("10.1.0.0/16", "10.0.255.255"));
    EXPECT_TRUE(contains("10.1.2.128/25", "10.1.2.200"));
    EXPECT_FALSE(contains("10.1.2.128/25", "10.1.2.127"));
    EXPECT_TRUE(contains("10.1.2.3", "10.1.2.3")) << "an address alone is itself";
    EXPECT_FALSE(contains("10.1.2.3/32", "10.1.2.2"));
    EXPECT_TRUE(contains("2001:db8::/33", "2001:db8:7fff::1"));
    EXPECT_FALSE(contains("2001:db8::/33", "2001:db8:8000::1"));
    EXPECT_TRUE(contains("2001:db8::1/128", "2001:db8::1"));
}

TEST(IpPrefix, HoldsOneFamilyOnly) {
    EXPECT_TRUE(contains("0.0.0.0/0", "192.0.2.1"));
    EXPECT_FALSE(contains("0.0.0.0/0", "2001:db8::1"));
    EXPECT_TRUE(contains("::/0", "2001:db8::1"));
    EXPECT_FALSE(contains("::/0", "192.0.2.1")) << "though it is held as ::ffff:192.0.2.1";
}

TEST(IpPrefix, IsPrintedAsItIsRead) {
    for (const char* text : {"10.0.0.0/8", "0.0.0.0/0", "192.0.2.1/32", "::/0", "2001:db8::/32", "fd00::1/128"})
        EXPECT_EQ(IpPrefix::parse(text)->to_string(), text);
    EXPECT_EQ(IpPrefix::parse("192.0.2.1")->to_string(), "192.0.2.1/32");
}

TEST(IpPrefix, RejectsWhatIsNone) {
    for (const char* text : {"", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8 ",
                             "10.0.0.0/08x", "10.0.0.1/8", "10.0/8", "2001:db8::/129", "2001:db8::1/64", "eth0"})
        EXPECT_FALSE(IpPrefix::parse(text)) << '"' << text << '"';
}

}  // namespace
}  // namespace slipgate
