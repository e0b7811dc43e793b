// SPDX-License-Identifier: Apache-2.0
#include "agent/base/address.h"

#include <gtest/gtest.h>

#include <cstring>

#include "tests/unit/addresses.h"

namespace slipgate {
namespace {

using test::ip;

TEST(IpAddress, IsPrintedInItsCanonicalForm) {
    const std::pair<const char*, const char*> cases[] = {
        {"192.0.2.1", "192.0.2.1"},
        {"0.0.0.0", "0.0.0.0"},
        {"255.255.255.255", "255.255.255.255"},
        {"::", "::"},
        {"::1", "::1"},
        {"2001:DB8:0:0:0:0:0:1", "2001:db8::1"},  // RFC 5952 4.2, 4.3
        {"2001:db8::0001", "2001:db8::1"},
        {"2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"},
        {"::ffff:192.0.2.1", "192.0.2.1"},
        {"::ffff:c000:0201", "192.0.2.1"},
    };
    for (const auto& [text, canonical] : cases) EXPECT_EQ(ip(text).to_string(), canonical) << text;
}

TEST(IpAddress, RejectsWhatIsNoAddress) {
    for (const std::string_view text : {"", " ", "192.0.2", "192.0.2.256", "192.0.2.1 ", " 192.0.2.1", "192.0.2.01",
                                        "192.0.2.1/24", "0x7f000001", "2001:db8::1::2", "2001:db8::1%eth0",
                                        "[2001:db8::1]", "2001:db8::12345", ":::", "1:2:3:4:5:6:7", "example.com"}) {
        EXPECT_FALSE(IpAddress::parse(text)) << '"' << text << '"';
    }
    EXPECT_FALSE(IpAddress::parse(std::string_view("192.0.2.1\0", 10))) << "NUL at the end";
    EXPECT_FALSE(IpAddress::parse(std::string_view("192.0.2.1\0.example", 18))) << "NUL inside";
}

TEST(IpAddress, LiesInNetworkByteOrder) {
    const std::array<std::uint8_t, 16> expected{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1};
    EXPECT_EQ(ip("192.0.2.1").bytes(), expected);
    const auto abi = ip("192.0.2.1").to_abi();
    EXPECT_EQ(std::memcmp(&abi, expected.data(), sizeof abi), 0);
    EXPECT_EQ(IpAddress(abi), ip("192.0.2.1"));
    EXPECT_EQ(IpAddress(ip("2001:db8::7").to_abi()), ip("2001:db8::7"));
    EXPECT_EQ(IpAddress(), ip("::"));
}

TEST(IpAddress, Family) {
    EXPECT_TRUE(ip("192.0.2.1").is_ipv4());
    EXPECT_TRUE(ip("::ffff:192.0.2.1").is_ipv4());
    EXPECT_TRUE(ip("2001:db8::1").is_ipv6());
    EXPECT_TRUE(ip("::192.0.2.1").is_ipv6());
}

TEST(IpAddress, PlacesNothingIsSplicedTo) {
    struct Case {
        const char* text;
        bool loopback, link_local, multicast, unspecified;
    };
    constexpr Case kCases[] = {
        {"127.0.0.1", true, false, false, false},
        {"127.255.0.1", true, false, false, false},
        {"128.0.0.1", false, false, false, false},
        {"::1", true, false, false, false},
        {"::2", false, false, false, false},
        {"169.254.1.1", false, true, false, false},
        {"169.253.1.1", false, false, false, false},
        {"fe80::1", false, true, false, false},
        {"febf::1", false, true, false, false},
        {"fec0::1", false, false, false, false},
        {"224.0.0.1", false, false, true, false},
        {"239.255.255.255", false, false, true, false},
        {"223.255.255.255", false, false, false, false},
        {"255.255.255.255", false, false, true, false},
        {"255.255.255.254", false, false, false, false},
        {"ff02::1", false, false, true, false},
        {"0.0.0.0", false, false, false, true},
        {"0.1.2.3", false, false, false, true},
        {"::", false, false, false, true},
        {"10.0.0.7", false, false, false, false},
        {"2001:db8::1", false, false, false, false},
    };
    for (const auto& c : kCases) {
        const auto a = ip(c.text);
        EXPECT_EQ(a.is_loopback(), c.loopback) << c.text;
        EXPECT_EQ(a.is_link_local(), c.link_local) << c.text;
        EXPECT_EQ(a.is_multicast(), c.multicast) << c.text;
        EXPECT_EQ(a.is_unspecified(), c.unspecified) << c.text;
    }
}

TEST(SocketAddress, IsPrintedWithBracketsForIpv6) {
    EXPECT_EQ((SocketAddress{ip("192.0.2.1"), 443}).to_string(), "192.0.2.1:443");
    EXPECT_EQ((SocketAddress{ip("2001:db8::1"), 65535}).to_string(), "[2001:db8::1]:65535");
}

}  // namespace
}  // namespace slipgate
