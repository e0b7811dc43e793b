// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/datapath.h"

#include <gmock/gmock.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include <slipgate/programs.h>

#include "agent/datapath/interfaces.h"
#include "agent/datapath/loader.h"
#include "tests/bpf/kernel_bench.h"

namespace slipgate {
namespace {

using test::at;
using testing::Contains;
using testing::HasSubstr;
using testing::Not;

RoutingTable shop() {
    RoutingTable table;
    table.backends["shop/web:443"].endpoints = {at("10.7.0.20", 8443), at("fd07::20", 8443)};
    table.routes["shop/web"].backends = {{"shop/web:443", 1}};
    table.vips[at("192.0.2.1", 443)].names = {{"shop.example.com", "shop/web"}, {"*.example.com", "shop/web"}};
    return table;
}

class DatapathTest : public test::KernelBench {
  protected:
    std::uint32_t link_id(const std::string& pin) {
        bpf_link_info info{};
        __u32 size = sizeof info;
        EXPECT_EQ(bpf_obj_get_info_by_fd(pinned("links/" + pin).get(), &info, &size), 0);
        return info.id;
    }
    // All of a hash map: keys and values as bytes, in the order of their keys.
    std::vector<std::string> dump(const std::string& name, std::size_t key_size, std::size_t value_size) {
        const Fd map = pinned(name);
        std::vector<std::string> all;
        std::string key(key_size, '\0');
        std::string value(value_size, '\0');
        for (int more = bpf_map_get_next_key(map.get(), nullptr, key.data()); more == 0;
             more = bpf_map_get_next_key(map.get(), key.data(), key.data())) {
            EXPECT_EQ(bpf_map_lookup_elem(map.get(), key.data(), value.data()), 0);
            all.push_back(key + value);
        }
        std::sort(all.begin(), all.end());
        return all;
    }
    // "10.8.0.2:1 InterfaceNotAttached by0"
    std::vector<std::string> excluded(const Datapath& datapath) {
        std::vector<std::string> all;
        for (const auto& one : datapath.findings().endpoints) {
            all.push_back(one.endpoint.to_string() + " " + std::string(text_of(one.exclusion).reason));
            if (one.exclusion == Exclusion::kInterfaceNotAttached) all.back() += " " + one.detail;
        }
        return all;
    }
    std::vector<std::string> refused_interfaces(const Datapath& datapath) {
        std::vector<std::string> all;
        for (const auto& problem : datapath.interface_problems()) all.push_back(problem.interface);
        return all;
    }
    std::string refusal() {
        const auto opened = Datapath::open(options);
        EXPECT_FALSE(opened);
        return opened ? "" : opened.error().message;
    }
};

TEST_F(DatapathTest, FirstStartPinsMapsForItselfAndAttaches) {
    run("ip link add up0.5 type veth peer name far0.5");  // the dot of a VLAN interface, which bpffs does not take
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    struct stat info{};
    ASSERT_EQ(stat(options.pin_dir.c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 0777, 0700U);
    EXPECT_THAT(datapath->interfaces(), testing::UnorderedElementsAre("up0", "far0", "up0.5", "far0.5"));
    EXPECT_THAT(refused_interfaces(*datapath), testing::IsEmpty());
    EXPECT_FALSE(datapath->synced());
    EXPECT_TRUE(datapath->apply(shop()));
    EXPECT_TRUE(datapath->synced());
    const auto config = first<sg_config>("config");
    EXPECT_EQ(config.abi_version, static_cast<__u32>(SG_ABI_VERSION));
    EXPECT_NE(config.name_key[0], 0U);
    EXPECT_NE(config.cookie_key[0], config.name_key[0]);
}

TEST_F(DatapathTest, RestartAdoptsMapsSecretsAndLinks) {
    auto datapath = open();
    ASSERT_TRUE(datapath);
    ASSERT_TRUE(datapath->apply(shop()));
    const auto vips = dump("vips", sizeof(sg_vip_key), sizeof(sg_vip));
    const auto names = dump("names", sizeof(sg_name_key), sizeof(sg_name));
    const auto config = first<sg_config>("config");
    const auto link = link_id("up0");
    ASSERT_EQ(vips.size(), 1U);
    ASSERT_EQ(names.size(), 2U);

    datapath.reset();
    datapath = open();
    ASSERT_TRUE(datapath);
    EXPECT_EQ(dump("vips", sizeof(sg_vip_key), sizeof(sg_vip)), vips) << "nothing is pruned before the first table";
    ASSERT_TRUE(datapath->apply(shop()));
    EXPECT_EQ(dump("vips", sizeof(sg_vip_key), sizeof(sg_vip)), vips);
    EXPECT_EQ(dump("names", sizeof(sg_name_key), sizeof(sg_name)), names);
    const auto after = first<sg_config>("config");
    EXPECT_EQ(std::memcmp(&after, &config, sizeof after), 0);
    EXPECT_EQ(link_id("up0"), link) << "replaced, not detached and attached again";
}

TEST_F(DatapathTest, TailCallsArePinnedAndFilledAfterARestart) {
    open().reset();
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    __u32 program = 0;
    for (__u32 slot = 0; slot < SG_PROGRAM_MAX; ++slot) {
        EXPECT_EQ(bpf_map_lookup_elem(pinned("programs").get(), &slot, &program), 0) << "slot " << slot;
    }
    EXPECT_FALSE(std::filesystem::exists(options.pin_dir / "programs_1")) << "the name before they are published";
}

TEST_F(DatapathTest, RemovedTableLeavesNothing) {
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    ASSERT_TRUE(datapath->apply(shop()));
    ASSERT_TRUE(datapath->apply({}));
    EXPECT_TRUE(dump("vips", sizeof(sg_vip_key), sizeof(sg_vip)).empty());
    EXPECT_TRUE(dump("names", sizeof(sg_name_key), sizeof(sg_name)).empty());
    EXPECT_TRUE(dump("sources", sizeof(sg_address), sizeof(__u32)).empty());
    EXPECT_TRUE(dump("route_names", sizeof(__u32), sizeof(sg_label)).empty());
    EXPECT_TRUE(dump("backend_names", sizeof(__u32), sizeof(sg_label)).empty());
}

TEST_F(DatapathTest, EndpointCarriesSourceAndMssOfItsRoute) {
    run("ip link set up0 mtu 1400");
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    ASSERT_TRUE(datapath->apply(shop()));
    const auto slot = first<sg_range>("backends");
    ASSERT_EQ(slot.part.count, 1);
    sg_endpoint endpoint{};
    const __u32 index = slot.part.first;
    ASSERT_EQ(bpf_map_lookup_elem(pinned("endpoints").get(), &index, &endpoint), 0);
    EXPECT_EQ(IpAddress(endpoint.source).to_string(), "10.7.0.1");
    EXPECT_EQ(endpoint.mss, 1360);
}

TEST_F(DatapathTest, EndpointsThatMustNotBeSplicedToAreNamed) {
    run("ip link add by0 type veth peer name by1 && ip link set by0 up && ip addr add 10.8.0.1/24 dev by0");
    options.interfaces = {"up0", "lo", "nowhere"};
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    auto table = shop();
    table.backends["shop/web:443"].endpoints = {
        at("0.0.0.0", 1),   at("10.7.0.1", 1),    at("10.7.0.20", 1), at("10.7.0.255", 1),  at("10.8.0.2", 1),
        at("127.0.0.1", 1), at("169.254.1.1", 1), at("192.0.2.1", 1), at("203.0.113.1", 1), at("224.0.0.1", 1)};
    ASSERT_TRUE(datapath->apply(table));
    EXPECT_TRUE(datapath->synced()) << "what must not be served is nothing to wait for";
    EXPECT_THAT(
        excluded(*datapath),
        testing::ElementsAre("0.0.0.0:1 UnspecifiedAddress", "10.7.0.1:1 LocalAddress", "10.7.0.255:1 BroadcastAddress",
                             "10.8.0.2:1 InterfaceNotAttached by0", "127.0.0.1:1 LoopbackAddress",
                             "169.254.1.1:1 LinkLocalAddress", "192.0.2.1:1 GatewayAddress", "203.0.113.1:1 NoRoute",
                             "224.0.0.1:1 MulticastAddress"));
    EXPECT_THAT(refused_interfaces(*datapath), testing::ElementsAre("lo", "nowhere"));
    EXPECT_THAT(datapath->interfaces(), testing::ElementsAre("up0"));
}

TEST_F(DatapathTest, InterfacesAreFollowed) {
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    run("ip link add new0 type veth peer name new1");
    ASSERT_TRUE(datapath->on_network_change());
    EXPECT_THAT(datapath->interfaces(), Contains("new0"));
    EXPECT_TRUE(std::filesystem::exists(options.pin_dir / "links/new0"));
    const auto before = link_id("new0");
    run("ip link del new0 && ip link add new0 type veth peer name new1");
    ASSERT_TRUE(datapath->on_network_change());
    EXPECT_NE(link_id("new0"), before) << "another interface of the same name";
    run("ip link del new0");
    ASSERT_TRUE(datapath->on_network_change());
    EXPECT_THAT(datapath->interfaces(), Not(Contains("new0")));
    EXPECT_FALSE(std::filesystem::exists(options.pin_dir / "links/new0"));
}

// What a failed dump leaves unread is not taken for the answer to the next question.
TEST_F(DatapathTest, NetlinkQuestionIsNotAnsweredByAnEarlierOne) {
    auto netlink = NetlinkSocket::open(0);
    ASSERT_TRUE(netlink) << netlink.error().message;
    struct {
        nlmsghdr header;
        ifinfomsg link;
    } forgotten{};
    forgotten.header.nlmsg_len = sizeof forgotten;
    forgotten.header.nlmsg_type = RTM_GETLINK;
    forgotten.header.nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    forgotten.header.nlmsg_seq = 4711;
    ASSERT_EQ(send(netlink->fd(), &forgotten, sizeof forgotten, 0), static_cast<ssize_t>(sizeof forgotten));
    const auto interfaces = list_interfaces(*netlink);
    ASSERT_TRUE(interfaces) << interfaces.error().message;
    EXPECT_FALSE(interfaces->empty());
}

TEST_F(DatapathTest, SecondAgentIsRefused) {
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    EXPECT_THAT(refusal(), HasSubstr("another slipgated uses"));
    EXPECT_FALSE(uninstall(options.pin_dir)) << "nor is it taken away under its feet";
}

TEST_F(DatapathTest, MapsOfAnotherAbiVersionAreRefused) {
    open().reset();
    auto config = first<sg_config>("config");
    config.abi_version = 77;
    const __u32 zero = 0;
    ASSERT_EQ(bpf_map_update_elem(pinned("config").get(), &zero, &config, BPF_ANY), 0);
    EXPECT_THAT(refusal(), testing::AllOf(HasSubstr("ABI version 77"), HasSubstr("--uninstall")));
}

TEST_F(DatapathTest, PinnedMapKeepsItsSize) {
    open().reset();
    options.max_connections = 100;
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    bpf_map_info info{};
    __u32 size = sizeof info;
    ASSERT_EQ(bpf_obj_get_info_by_fd(pinned("flows4").get(), &info, &size), 0);
    EXPECT_EQ(info.max_entries, 8192U) << "two entries for each of the 4096 connections of the first start";
}

TEST_F(DatapathTest, SourcePortsOfTheHostAreRefusedWithTheSysctl) {
    write_sysctl("net/ipv4/ip_local_port_range", "32768 61999");
    EXPECT_THAT(refusal(), HasSubstr("ip_local_reserved_ports"));
    write_sysctl("net/ipv4/ip_local_reserved_ports", "61000-61999");
    EXPECT_TRUE(open());
}

TEST_F(DatapathTest, PinDirOutsideABpffsIsRefusedWithTheCommand) {
    options.pin_dir = "/tmp/slipgate";
    EXPECT_THAT(refusal(), HasSubstr("mount -t bpf"));
}

TEST_F(DatapathTest, EmptyPinDirIsTaken) {
    ASSERT_TRUE(std::filesystem::create_directory(options.pin_dir));
    const auto datapath = open();
    ASSERT_TRUE(datapath);
    EXPECT_EQ(first<sg_config>("config").abi_version, static_cast<__u32>(SG_ABI_VERSION));
}

TEST_F(DatapathTest, PinDirOfOthersIsNeitherUsedNorRemoved) {
    ASSERT_TRUE(std::filesystem::create_directories(options.pin_dir / "theirs"));
    EXPECT_THAT(refusal(), HasSubstr("holds no Slipgate maps"));
    const auto removed = uninstall(options.pin_dir);
    ASSERT_FALSE(removed);
    EXPECT_THAT(removed.error().message, HasSubstr("holds no Slipgate maps"));
    EXPECT_TRUE(std::filesystem::exists(options.pin_dir / "theirs"));
}

TEST_F(DatapathTest, UninstallOutsideABpffsRemovesNothing) {
    options.pin_dir = std::filesystem::temp_directory_path() / ("slipgate-not-bpf-" + std::to_string(getpid()));
    ASSERT_TRUE(std::filesystem::create_directory(options.pin_dir));
    EXPECT_FALSE(uninstall(options.pin_dir));
    EXPECT_TRUE(std::filesystem::remove(options.pin_dir)) << "it was still there";
}

// What an agent leaves that is killed before its directory gets its name.
TEST_F(DatapathTest, LeftoverOfAFirstStartIsCleanedByTheNextAndByUninstall) {
    const std::filesystem::path leftover = options.pin_dir.string() + "-new";
    ASSERT_TRUE(std::filesystem::create_directories(leftover / "links"));
    const Fd map(bpf_map_create(BPF_MAP_TYPE_ARRAY, "config", 4, 8, 1, nullptr));
    ASSERT_EQ(bpf_obj_pin(map.get(), (leftover / "config").c_str()), 0);
    ASSERT_TRUE(open());
    EXPECT_FALSE(std::filesystem::exists(leftover));

    ASSERT_TRUE(std::filesystem::create_directories(leftover / "links"));
    ASSERT_TRUE(uninstall(options.pin_dir));
    EXPECT_FALSE(std::filesystem::exists(leftover));
    ASSERT_TRUE(std::filesystem::create_directory(leftover));
    ASSERT_TRUE(uninstall(options.pin_dir)) << "with nothing else there";
    EXPECT_FALSE(std::filesystem::exists(leftover));
}

// The state an agent leaves that is killed after it replaced programs on some interfaces: the old table of tail calls
// and its own are both in use. Neither may be emptied before all interfaces run the next agent's programs.
TEST_F(DatapathTest, TablesOfTailCallsStayUntilEveryInterfaceIsReplaced) {
    open().reset();
    std::filesystem::rename(options.pin_dir / "programs", options.pin_dir / "programs_1");
    const auto table_id = [&](const std::string& name) {
        bpf_map_info info{};
        __u32 size = sizeof info;
        EXPECT_EQ(bpf_obj_get_info_by_fd(pinned(name).get(), &info, &size), 0) << name;
        return info.id;
    };
    const auto old_table = table_id("programs_1");
    auto object = LoadedObject::load(options);
    ASSERT_TRUE(object) << object.error().message;
    ASSERT_TRUE((*object)->pin_programs());
    EXPECT_EQ(table_id("programs_1"), old_table);
    EXPECT_NE(table_id("programs_2"), old_table);
    object->reset();  // killed here

    const auto datapath = open();
    ASSERT_TRUE(datapath);
    EXPECT_NE(table_id("programs"), old_table);
    EXPECT_FALSE(std::filesystem::exists(options.pin_dir / "programs_1"));
    EXPECT_FALSE(std::filesystem::exists(options.pin_dir / "programs_2"));
    EXPECT_FALSE(std::filesystem::exists(options.pin_dir / "programs_3"));
}

TEST_F(DatapathTest, UninstallTakesEverythingAway) {
    open().reset();
    const auto link = link_id("up0");
    ASSERT_TRUE(uninstall(options.pin_dir));
    EXPECT_FALSE(std::filesystem::exists(options.pin_dir));
    const Fd gone(bpf_link_get_fd_by_id(link));
    EXPECT_FALSE(gone) << "still attached";
    EXPECT_TRUE(uninstall(options.pin_dir)) << "nothing to take away is no error";
}

}  // namespace
}  // namespace slipgate
