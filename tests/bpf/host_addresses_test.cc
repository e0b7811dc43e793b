// SPDX-License-Identifier: Apache-2.0
#include "agent/host/host_addresses.h"

#include <gmock/gmock.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cstdlib>

#include "tests/unit/addresses.h"

namespace slipgate {
namespace {

using test::ip;
using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::Pair;

// What the thread may do now; it can take it back.
void set_net_admin(bool on) {
    __user_cap_header_struct header{.version = _LINUX_CAPABILITY_VERSION_3, .pid = 0};
    std::array<__user_cap_data_struct, 2> sets{};
    ASSERT_EQ(::syscall(SYS_capget, &header, sets.data()), 0);
    sets[0].effective &= ~(1U << CAP_NET_ADMIN);
    if (on) sets[0].effective |= 1U << CAP_NET_ADMIN;
    ASSERT_EQ(::syscall(SYS_capset, &header, sets.data()), 0);
}

TEST(HostAddresses, WhatTheKernelRefusesIsToldAndTriedAgain) {
    ASSERT_EQ(::unshare(CLONE_NEWNET), 0);
    ASSERT_EQ(std::system("ip link set lo up && ip address add 192.0.2.1/24 dev lo"), 0);
    auto host = HostAddresses::open("/sys/fs/bpf/any").value();
    const std::set want = {ip("192.0.2.7"), ip("192.0.2.8")};
    ASSERT_TRUE(host.configure({ip("192.0.2.7")}).status);

    set_net_admin(false);
    const auto refused = host.configure(want);
    set_net_admin(true);
    EXPECT_THAT(refused.missing, ElementsAre(Pair(ip("192.0.2.8"), HasSubstr("Operation not permitted"))));
    EXPECT_FALSE(refused.status);

    const auto configured = host.configure(want);
    EXPECT_THAT(configured.missing, IsEmpty());
    EXPECT_TRUE(configured.status);
    const auto of_host = host.of_host().value();
    for (const auto* own : {"192.0.2.0", "192.0.2.1", "192.0.2.255"}) EXPECT_THAT(of_host, Contains(ip(own)));
    EXPECT_THAT(of_host, Not(Contains(ip("192.0.2.8"))));
}

}  // namespace
}  // namespace slipgate
