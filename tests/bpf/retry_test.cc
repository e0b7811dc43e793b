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
using testing::AllOf;
using testing::Contains;
using testing::ElementsAre;
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

    [[nodiscard]] __u32 table_id(const std::string& name) const {
        bpf_map_info info{};
        __u32 size = sizeof info;
        EXPECT_EQ(bpf_obj_get_info_by_fd(pinned(name).get(), &info, &size), 0) << name;
        return info.id;
    }

    [[nodiscard]] bool is_filled(const std::string& table) const {
        const __u32 slot = 0;
        __u32 program = 0;
        return bpf_map_lookup_elem(pinned(table).get(), &slot, &program) == 0;
    }

    // The ids of the maps that the program attached to `interface` uses.
    [[nodiscard]] std::vector<__u32> maps_used_at(const std::string& interface) const {
        bpf_link_info link{};
        __u32 size = sizeof link;
        EXPECT_EQ(bpf_obj_get_info_by_fd(pinned("links/" + interface).get(), &link, &size), 0) << interface;
        const Fd program(bpf_prog_get_fd_by_id(link.prog_id));
        std::vector<__u32> ids(64);
        bpf_prog_info info{};
        info.nr_map_ids = static_cast<__u32>(ids.size());
        info.map_ids = reinterpret_cast<__u64>(ids.data());
        size = sizeof info;
        EXPECT_EQ(bpf_obj_get_info_by_fd(program.get(), &info, &size), 0) << interface;
        EXPECT_LE(info.nr_map_ids, ids.size());
        ids.resize(info.nr_map_ids);
        return ids;
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

// Where an interface is left, the earlier agent's program may be at work still, and it needs its table of tail calls.
TEST_F(RetryTest, AnEarlierTableOfTailCallsStaysUntilNoInterfaceIsLeft) {
    options.interfaces = {"far0"};
    ASSERT_TRUE(open());
    const auto earlier = table_id("programs");
    ASSERT_THAT(maps_used_at("far0"), Contains(earlier));

    auto others = occupy("up0");
    options.interfaces = {"far0", "up0"};
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    ASSERT_THAT(datapath->interfaces(), ElementsAre("far0"));
    const auto own = table_id("programs_1");
    EXPECT_EQ(table_id("programs"), earlier);
    EXPECT_TRUE(is_filled("programs")) << "the kernel empties a table that nobody holds";
    EXPECT_THAT(maps_used_at("far0"), AllOf(Contains(own), Not(Contains(earlier))));

    others.clear();
    ASSERT_TRUE(datapath->tick());
    EXPECT_EQ(table_id("programs"), own);
    EXPECT_FALSE(std::filesystem::exists(options.pin_dir / "programs_1"));
    for (const auto* interface : {"far0", "up0"})
        EXPECT_THAT(maps_used_at(interface), AllOf(Contains(own), Not(Contains(earlier)))) << interface;
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
