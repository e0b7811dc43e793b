// SPDX-License-Identifier: Apache-2.0
#include "agent/base/ip_range.h"

#include <gtest/gtest.h>

#include "tests/unit/addresses.h"

namespace slipgate {
namespace {

using test::ip;

std::string read(std::string_view text) {
    const auto range = IpRange::parse(text);
    return range ? range->first.to_string() + " " + range->last.to_string() : "none";
}

TEST(IpRange, HasBothEnds) {
    EXPECT_EQ(read("192.0.2.10-192.0.2.19"), "192.0.2.10 192.0.2.19");
    EXPECT_EQ(read("192.0.2.10-192.0.2.10"), "192.0.2.10 192.0.2.10");
    EXPECT_EQ(read("2001:db8::1-2001:db8::ffff"), "2001:db8::1 2001:db8::ffff");
    EXPECT_EQ(read("192.0.2.0-192.0.2.255"), "192.0.2.0 192.0.2.255") << "as it is said";
    const auto range = IpRange::parse("192.0.2.10-192.0.2.19");
    for (const char* inside : {"192.0.2.10", "192.0.2.15", "192.0.2.19"}) EXPECT_TRUE(range->contains(ip(inside)));
    for (const char* outside : {"192.0.2.9", "192.0.2.20", "::1", "2001:db8::1"})
        EXPECT_FALSE(range->contains(ip(outside))) << outside;
}

TEST(IpRange, OfANetworkHasItsHosts) {
    EXPECT_EQ(read("192.0.2.0/24"), "192.0.2.1 192.0.2.254");
    EXPECT_EQ(read("192.0.2.4/30"), "192.0.2.5 192.0.2.6");
    EXPECT_EQ(read("192.0.2.4/31"), "192.0.2.4 192.0.2.5");
    EXPECT_EQ(read("192.0.2.4/32"), "192.0.2.4 192.0.2.4");
    EXPECT_EQ(read("192.0.2.4"), "192.0.2.4 192.0.2.4");
    EXPECT_EQ(read("2001:db8::/64"), "2001:db8::1 2001:db8::ffff:ffff:ffff:ffff") << "IPv6 has no broadcast";
    EXPECT_EQ(read("2001:db8::4/127"), "2001:db8::4 2001:db8::5");
    EXPECT_EQ(read("::/0"), "::1 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
}

TEST(IpRange, RejectsWhatIsNone) {
    for (const char* text : {"", "-", "192.0.2.1-", "-192.0.2.1", "192.0.2.2-192.0.2.1", "192.0.2.1-2001:db8::1",
                             "192.0.2.1-192.0.2.2-192.0.2.3", "192.0.2.1-9", "192.0.2.1/24", "192.0.2.1-192.0.2.0/24"})
        EXPECT_EQ(read(text), "none") << '"' << text << '"';
}

TEST(IpAddress, HasNeighbours) {
    const std::pair<const char*, const char*> cases[] = {
        {"192.0.2.1", "192.0.2.2"}, {"192.0.2.255", "192.0.3.0"}, {"2001:db8::ffff", "2001:db8::1:0"}, {"::", "::1"}};
    for (const auto& [lower, higher] : cases) {
        EXPECT_EQ(ip(lower).successor(), ip(higher)) << lower;
        EXPECT_EQ(ip(higher).predecessor(), ip(lower)) << higher;
    }
    EXPECT_EQ(ip("::").predecessor().successor(), ip("::"));
}

}  // namespace
}  // namespace slipgate
