// SPDX-License-Identifier: Apache-2.0
// Which interfaces carry the program, and what the kernel says of them.
#include "agent/datapath/interfaces.h"

#include <gmock/gmock.h>
#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <array>
#include <tuple>

#include "agent/datapath/interface_message.h"

namespace slipgate {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

// RTM_NEWLINK (rtnetlink(7)). `kind` and `slave_kind` as `ip -d link` shows them, or null.
class LinkMessage {
  public:
    LinkMessage(const char* name, unsigned short type, unsigned flags, const char* kind, const char* slave_kind) {
        header_ = mnl_nlmsg_put_header(buffer_.data());
        header_->nlmsg_type = RTM_NEWLINK;
        auto* link = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(header_, sizeof(ifinfomsg)));
        link->ifi_index = 7;
        link->ifi_type = type;
        link->ifi_flags = flags;
        mnl_attr_put_strz(header_, IFLA_IFNAME, name);
        mnl_attr_put_u32(header_, IFLA_MTU, 1450);
        if (!kind && !slave_kind) return;
        nlattr* info = mnl_attr_nest_start(header_, IFLA_LINKINFO);
        if (kind) mnl_attr_put_strz(header_, IFLA_INFO_KIND, kind);
        if (slave_kind) mnl_attr_put_strz(header_, IFLA_INFO_SLAVE_KIND, slave_kind);
        mnl_attr_nest_end(header_, info);
    }
    [[nodiscard]] Interface read() const { return read_interface(header_); }

  private:
    alignas(nlmsghdr) std::array<char, 512> buffer_{};
    nlmsghdr* header_;
};

Interface ethernet(const char* name, const char* kind = nullptr, const char* slave_kind = nullptr) {
    return LinkMessage(name, ARPHRD_ETHER, IFF_UP, kind, slave_kind).read();
}

std::vector<std::string> names(const std::vector<Interface>& interfaces) {
    std::vector<std::string> all;
    all.reserve(interfaces.size());
    for (const auto& interface : interfaces) all.push_back(interface.name);
    return all;
}

auto refused(const char* name, const char* why) {
    return testing::AllOf(testing::Field(&InterfaceProblem::interface, name),
                          testing::Field(&InterfaceProblem::reason, HasSubstr(why)));
}

TEST(Interfaces, MessageOfTheKernelIsRead) {
    EXPECT_EQ(ethernet("eth0"), (Interface{.name = "eth0", .ifindex = 7, .mtu = 1450, .framing = Framing::kEthernet}));
    EXPECT_TRUE(LinkMessage("lo", ARPHRD_LOOPBACK, IFF_UP | IFF_LOOPBACK, nullptr, nullptr).read().loopback);
}

// A slave's packets are seen on the bond; those of a port of any other master on the port.
TEST(Interfaces, BondCarriesTheProgramAndItsSlavesDoNot) {
    const std::vector<Interface> all{ethernet("bond0", "bond"),           ethernet("eth0", nullptr, "bond"),
                                     ethernet("veth1", "veth", "bond"),   ethernet("br0", "bridge"),
                                     ethernet("eth2", nullptr, "bridge"), ethernet("eth3", nullptr, "vrf")};
    const auto choice = choose_interfaces(all, {});
    EXPECT_THAT(names(choice.chosen), ElementsAre("bond0", "br0", "eth2", "eth3"));
    EXPECT_THAT(choice.refused, ElementsAre(refused("eth0", "slave of a bond"), refused("veth1", "slave of a bond")));

    const auto asked = choose_interfaces(all, {"eth0", "bond0"});
    EXPECT_THAT(names(asked.chosen), ElementsAre("bond0"));
    EXPECT_THAT(asked.refused, ElementsAre(refused("eth0", "slave of a bond")));
}

TEST(Interfaces, OtherLinkLayersAreRefusedByName) {
    constexpr std::tuple<const char*, unsigned short, Framing> kLayers[] = {
        {"eth0", ARPHRD_ETHER, Framing::kEthernet}, {"tun0", ARPHRD_NONE, Framing::kNone},
        {"ipip0", ARPHRD_TUNNEL, Framing::kNone},   {"ip6tnl0", ARPHRD_TUNNEL6, Framing::kNone},
        {"sit0", ARPHRD_SIT, Framing::kNone},       {"gre0", ARPHRD_IPGRE, Framing::kNone},
        {"gre6", ARPHRD_IP6GRE, Framing::kNone},    {"ib0", ARPHRD_INFINIBAND, Framing::kOther},
        {"can0", ARPHRD_CAN, Framing::kOther},      {"ppp0", ARPHRD_PPP, Framing::kOther},
        {"nlmon0", ARPHRD_NETLINK, Framing::kOther}};
    for (const auto& [name, type, framing] : kLayers) {
        SCOPED_TRACE(name);
        const auto interface = LinkMessage(name, type, IFF_UP, nullptr, nullptr).read();
        EXPECT_EQ(interface.framing, framing);
        for (const std::vector<std::string>& wanted : {std::vector<std::string>{}, {name}}) {
            const auto choice = choose_interfaces({interface}, wanted);
            if (framing == Framing::kOther) {
                EXPECT_THAT(choice.chosen, IsEmpty());
                EXPECT_THAT(choice.refused, ElementsAre(refused(name, "link layer")));
            } else {
                EXPECT_THAT(names(choice.chosen), ElementsAre(name));
                EXPECT_THAT(choice.refused, IsEmpty());
            }
        }
    }
}

TEST(Interfaces, LoopbackIsRefusedOnlyWhereItWasAskedFor) {
    const auto loopback = LinkMessage("lo", ARPHRD_LOOPBACK, IFF_UP | IFF_LOOPBACK, nullptr, nullptr).read();
    EXPECT_THAT(choose_interfaces({loopback}, {}).chosen, IsEmpty());
    EXPECT_THAT(choose_interfaces({loopback}, {}).refused, IsEmpty()) << "every node has one";
    EXPECT_THAT(choose_interfaces({loopback}, {"lo"}).refused, Contains(refused("lo", "loopback")));
}

}  // namespace
}  // namespace slipgate
