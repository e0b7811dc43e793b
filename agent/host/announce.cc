// SPDX-License-Identifier: Apache-2.0
#include "agent/host/announce.h"

#include <linux/if_packet.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <netinet/icmp6.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>

#include "agent/base/fd.h"

namespace slipgate {
namespace {

using EthernetAddress = std::array<std::uint8_t, ETH_ALEN>;

tl::unexpected<Error> explain(int error) {
    if (error == EPERM) return fail("the agent lacks CAP_NET_RAW");
    return fail_errno("announce", error);
}

std::optional<EthernetAddress> ethernet_address(const Fd& socket, int ifindex) {
    ifreq request{};
    if (!::if_indextoname(static_cast<unsigned>(ifindex), request.ifr_name)) return {};
    if (::ioctl(socket.get(), SIOCGIFHWADDR, &request) != 0) return {};
    if (request.ifr_hwaddr.sa_family != ARPHRD_ETHER) return {};
    EthernetAddress address;
    std::memcpy(address.data(), request.ifr_hwaddr.sa_data, address.size());
    return address;
}

// The sender's addresses are what neighbours learn; nobody has to answer, since it asks for what it has.
Status announce_by_arp(const PlacedAddress& placed) {
    const Fd socket(::socket(AF_PACKET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    if (!socket) return explain(errno);
    const auto own = ethernet_address(socket, placed.ifindex);
    if (!own) return {};
    ether_arp packet{};
    packet.ea_hdr = {.ar_hrd = htons(ARPHRD_ETHER),
                     .ar_pro = htons(ETH_P_IP),
                     .ar_hln = ETH_ALEN,
                     .ar_pln = 4,
                     .ar_op = htons(ARPOP_REQUEST)};
    const auto address = placed.address.wire();
    std::copy(own->begin(), own->end(), packet.arp_sha);
    std::copy(address.begin(), address.end(), packet.arp_spa);
    std::copy(address.begin(), address.end(), packet.arp_tpa);
    sockaddr_ll everybody{};
    everybody.sll_family = AF_PACKET;
    everybody.sll_protocol = htons(ETH_P_ARP);
    everybody.sll_ifindex = placed.ifindex;
    everybody.sll_halen = ETH_ALEN;
    std::fill_n(everybody.sll_addr, ETH_ALEN, 0xff);
    if (::sendto(socket.get(), &packet, sizeof(packet), 0, reinterpret_cast<const sockaddr*>(&everybody),
                 sizeof(everybody)) < 0)
        return explain(errno);
    return {};
}

struct Advertisement {
    nd_neighbor_advert head;
    nd_opt_hdr option;
    EthernetAddress own;
};

// The kernel fills in the checksum (RFC 3542 3.1).
Status announce_by_ndp(const PlacedAddress& placed) {
    const Fd socket(::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
    if (!socket) return explain(errno);
    const auto own = ethernet_address(socket, placed.ifindex);
    if (!own) return {};
    Advertisement packet{};
    const auto address = placed.address.wire();
    packet.head.nd_na_type = ND_NEIGHBOR_ADVERT;
    packet.head.nd_na_flags_reserved = ND_NA_FLAG_OVERRIDE;
    std::copy(address.begin(), address.end(), packet.head.nd_na_target.s6_addr);
    packet.option = {.nd_opt_type = ND_OPT_TARGET_LINKADDR, .nd_opt_len = 1};  // in units of 8 bytes
    packet.own = *own;
    sockaddr_in6 source{}, all_nodes{};
    source.sin6_family = all_nodes.sin6_family = AF_INET6;
    std::copy(address.begin(), address.end(), source.sin6_addr.s6_addr);
    all_nodes.sin6_addr.s6_addr[0] = 0xff, all_nodes.sin6_addr.s6_addr[1] = 0x02, all_nodes.sin6_addr.s6_addr[15] = 1;
    all_nodes.sin6_scope_id = static_cast<std::uint32_t>(placed.ifindex);
    const int hops = 255;  // others are not believed (RFC 4861 7.1.2)
    if (::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) != 0 ||
        ::bind(socket.get(), reinterpret_cast<const sockaddr*>(&source), sizeof(source)) != 0 ||
        ::sendto(socket.get(), &packet, sizeof(packet), 0, reinterpret_cast<const sockaddr*>(&all_nodes),
                 sizeof(all_nodes)) < 0)
        return explain(errno);
    return {};
}

}  // namespace

Status announce(const PlacedAddress& placed) {
    return placed.address.is_ipv4() ? announce_by_arp(placed) : announce_by_ndp(placed);
}

}  // namespace slipgate
