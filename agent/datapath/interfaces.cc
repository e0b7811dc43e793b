// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/interfaces.h"

#include <linux/if_arp.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "agent/datapath/interface_message.h"

namespace slipgate {
namespace {

// As the kernel's dev_is_mac_header_xmit() sees it (include/linux/if_arp.h), less what carries no IP.
Framing framing(unsigned short type) {
    switch (type) {
        case ARPHRD_ETHER:
            return Framing::kEthernet;
        case ARPHRD_NONE:
        case ARPHRD_TUNNEL:
        case ARPHRD_TUNNEL6:
        case ARPHRD_SIT:
        case ARPHRD_IPGRE:
        case ARPHRD_IP6GRE:
            return Framing::kNone;
        default:
            return Framing::kOther;
    }
}

// Why the program cannot work there; empty: it can.
std::string_view unsuited(const Interface& interface) {
    if (interface.loopback) return "loopback: clients and endpoints on this node are not served";
    if (interface.framing == Framing::kOther) return "its link layer is neither Ethernet nor bare IP";
    if (interface.bond_slave) return "slave of a bond: the bond itself carries the program";
    return {};
}

}  // namespace

Interface read_interface(const nlmsghdr* message) {
    const auto* header = static_cast<const ifinfomsg*>(mnl_nlmsg_get_payload(message));
    const NetlinkAttributes attributes(message, sizeof(*header));
    Interface interface;
    interface.ifindex = header->ifi_index;
    interface.framing = framing(header->ifi_type);
    interface.loopback = header->ifi_flags & IFF_LOOPBACK;
    if (const auto* name = attributes.get(IFLA_IFNAME)) interface.name = mnl_attr_get_str(name);
    if (const auto* mtu = attributes.get(IFLA_MTU)) interface.mtu = mnl_attr_get_u32(mtu);
    if (const auto* info = attributes.get(IFLA_LINKINFO)) {
        const NetlinkAttributes link(info);
        const auto* kind = link.get(IFLA_INFO_SLAVE_KIND);
        interface.bond_slave = kind && std::string_view(mnl_attr_get_str(kind)) == "bond";
    }
    return interface;
}

Result<std::vector<Interface>> list_interfaces(NetlinkSocket& netlink) {
    std::array<char, 256> buffer{};
    nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type = RTM_GETLINK;
    request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
    auto* header = static_cast<ifinfomsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifinfomsg)));
    header->ifi_family = AF_UNSPEC;
    std::vector<Interface> all;
    auto status = netlink.ask(request, [&](const nlmsghdr* message) {
        if (message->nlmsg_type == RTM_NEWLINK) all.push_back(read_interface(message));
    });
    if (!status) return fail(status.error(), "list interfaces");
    return all;
}

InterfaceChoice choose_interfaces(const std::vector<Interface>& all, const std::vector<std::string>& wanted) {
    InterfaceChoice choice;
    for (const auto& interface : all) {
        const bool asked = std::find(wanted.begin(), wanted.end(), interface.name) != wanted.end();
        if (!wanted.empty() && !asked) continue;
        const auto reason = unsuited(interface);
        if (reason.empty()) {
            choice.chosen.push_back(interface);
        } else if (asked || !interface.loopback) {
            choice.refused.push_back({interface.name, std::string(reason)});
        }
    }
    for (const auto& name : wanted) {
        const bool there =
            std::any_of(all.begin(), all.end(), [&](const auto& interface) { return interface.name == name; });
        if (!there) choice.refused.push_back({name, "does not exist yet"});
    }
    return choice;
}

}  // namespace slipgate
