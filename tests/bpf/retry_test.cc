// SPDX-License-Identifier: Apache-2.0
// What the kernel refuses is tried again: interfaces that cannot be attached to, maps that cannot be written.
#include <gmock/gmock.h>
#include <linux/bpf.h>
#include <net/if.h>

#include <array>
#include <vector>

#include "tests/bpf/kernel_bench.h"

namespace slipgate {
namespace {

using test::at;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

constexpr auto kTcxIngress = static_cast<bpf_attach_type>(46);  // BPF_TCX_INGRESS, as in tcx_links.cc
constexpr int kTcxMax = 64;                                     // BPF_MPROG_MAX of the kernel

class RetryTest : public test::KernelBench {
  protected:
    // Programs of somebody else at every place there is at ingress of `interface`.
    std::vector<Fd> occupy(const char* interface) {
        const std::array<bpf_insn, 2> pass{
            bpf_insn{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = -1},
            bpf_insn{.code = BPF_JMP | BPF_EXIT, .dst_reg = 0, .src_reg = 0, .off = 0, .imm = 0}};
        std::vector<Fd> links;
        const auto ifindex = static_cast<int>(if_nametoindex(interface));
        for (int i = 0; i < kTcxMax; ++i) {
            // One program may be attached once, so each place has a copy.
            const Fd copy(bpf_prog_load(BPF_PROG_TYPE_SCHED_CLS, "other", "GPL", pass.data(), pass.size(), nullptr));
            Fd link(bpf_link_create(copy.get(), ifindex, kTcxIngress, nullptr));
            if (!link) break;
            links.push_back(std::move(link));
        }
        return links;
    }
};

TEST_F(RetryTest, AnInterfaceThatCouldNotBeAttachedToIsTriedAgain) {
    auto others = occupy("up0");
    ASSERT_FALSE(others.empty());
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    ASSERT_THAT(datapath->interfaces(), Not(Contains("up0")));
    ASSERT_EQ(datapath->interface_problems().size(), 1U);
    EXPECT_EQ(datapath->interface_problems()[0].interface, "up0");

    RoutingTable table;
    table.backends["shop/web:443"].endpoints = {at("10.7.0.20", 8443)};
    table.routes["shop/web"].backends = {{"shop/web:443", 1}};
    table.vips[at("192.0.2.1", 443)].names = {{"shop.example.com", "shop/web"}};
    ASSERT_TRUE(datapath->apply(table));
    EXPECT_TRUE(datapath->synced());
    ASSERT_EQ(datapath->findings().endpoints.size(), 1U);
    EXPECT_EQ(datapath->findings().endpoints[0].exclusion, Exclusion::kInterfaceNotAttached);
    ASSERT_TRUE(datapath->tick());
    EXPECT_THAT(datapath->interfaces(), Not(Contains("up0")));

    others.pop_back();
    ASSERT_TRUE(datapath->tick());
    EXPECT_THAT(datapath->interfaces(), Contains("up0"));
    EXPECT_TRUE(datapath->interface_problems().empty());
    EXPECT_TRUE(datapath->findings().endpoints.empty()) << "its endpoints are served";
}

// The earlier agent's program may be at work there still, and it needs its table of tail calls.
TEST_F(RetryTest, AnEarlierTableOfTailCallsStaysUntilNoInterfaceIsLeft) {
    auto others = occupy("up0");
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    EXPECT_FALSE(std::filesystem::exists(options.pin_dir / "programs"));
    EXPECT_TRUE(std::filesystem::exists(options.pin_dir / "programs_1"));
    others.clear();
    ASSERT_TRUE(datapath->tick());
    EXPECT_TRUE(std::filesystem::exists(options.pin_dir / "programs"));
    EXPECT_FALSE(std::filesystem::exists(options.pin_dir / "programs_1"));
}

TEST_F(RetryTest, EachFailedAttemptToWriteTheMapsIsCounted) {
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    RoutingTable table;
    table.vips[at("192.0.2.1", 443)].names = {{"shop.example.com", std::nullopt}};
    EXPECT_EQ(datapath->reconcile_errors(), 0U);
    ASSERT_EQ(bpf_map_freeze(pinned("names").get()), 0) << "from now on user space cannot write it";
    EXPECT_FALSE(datapath->apply(table));
    EXPECT_EQ(datapath->reconcile_errors(), 1U);
    const auto again = datapath->tick();
    ASSERT_FALSE(again);
    EXPECT_THAT(again.error().message, HasSubstr("names"));
    EXPECT_EQ(datapath->reconcile_errors(), 2U);
}

// Each is an answer of the kernel, and no failure of the question.
TEST_F(RetryTest, EndpointsBehindEveryKindOfNoRouteAreNamed) {
    run("ip route add blackhole 10.1.0.0/16 && ip route add unreachable 10.2.0.0/16 && "
        "ip route add prohibit 10.3.0.0/16 && ip -6 route add blackhole fd01::/64 && "
        "ip -6 route add unreachable fd02::/64 && ip -6 route add prohibit fd03::/64");
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    RoutingTable table;
    auto& endpoints = table.backends["shop/web:443"].endpoints;
    for (const auto* none :
         {"10.1.0.1", "10.2.0.1", "10.3.0.1", "10.4.0.1", "fd01::1", "fd02::1", "fd03::1", "fd04::1"})
        endpoints.emplace_back(at(none, 443));
    ASSERT_TRUE(datapath->apply(table)) << "nothing to try again";
    EXPECT_TRUE(datapath->synced());
    EXPECT_EQ(datapath->findings().endpoints.size(), 8U);
    for (const auto& finding : datapath->findings().endpoints)
        EXPECT_EQ(text_of(finding.exclusion).reason, "NoRoute") << finding.endpoint.to_string();
}

}  // namespace
}  // namespace slipgate
