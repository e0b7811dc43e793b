// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/routes.h"

#include <linux/rtnetlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace slipgate {
namespace {

constexpr std::uint32_t kSmallestMss = 536;
constexpr std::uint32_t kLargestMss = 65495;

Route read_route(const nlmsghdr* message) {
    const auto* header = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
    const NetlinkAttributes attributes(message, sizeof(*header));
    Route route;
    route.local = header->rtm_type == RTN_LOCAL || header->rtm_type == RTN_ANYCAST;
    route.broadcast = header->rtm_type == RTN_BROADCAST;
    if (const auto* oif = attributes.get(RTA_OIF)) route.ifindex = static_cast<int>(mnl_attr_get_u32(oif));
    if (const auto* source = attributes.get(RTA_PREFSRC)) route.source = read_address(source);
    if (const auto* metrics = attributes.get(RTA_METRICS)) {
        const NetlinkAttributes nested(metrics);
        if (const auto* mtu = nested.get(RTAX_MTU)) route.mtu = mnl_attr_get_u32(mtu);
    }
    return route;
}

// What the kernel says of a destination without a route, or with one of type unreachable, prohibit or blackhole
// (fib_props in net/ipv4/fib_semantics.c, ip6_rt_type_to_error() in net/ipv6/route.c), and, in the second line, where
// the address family is switched off (ipv6.disable=1: nobody answers in net/core/rtnetlink.c).
bool means_no_route(int number) {
    return number == ENETUNREACH || number == EHOSTUNREACH || number == EACCES || number == EINVAL ||
           number == EOPNOTSUPP || number == EAFNOSUPPORT;
}

// Does the answer carry an MTU that the kernel learned of the path by ICMP? It goes after a while, and nothing tells.
bool has_learned(const nlmsghdr* message) {
    const auto* info = NetlinkAttributes(message, sizeof(rtmsg)).get(RTA_CACHEINFO);
    if (!info || mnl_attr_get_payload_len(info) < sizeof(rta_cacheinfo)) return false;
    return static_cast<const rta_cacheinfo*>(mnl_attr_get_payload(info))->rta_expires != 0;
}

Status ask_route(NetlinkSocket& netlink, const IpAddress& destination, unsigned flags,
                 const std::function<void(const nlmsghdr*)>& answer) {
    std::array<char, 256> buffer{};
    nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type = RTM_GETROUTE;
    request->nlmsg_flags = NLM_F_REQUEST;
    auto* header = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(rtmsg)));
    const bool ipv4 = destination.is_ipv4();
    header->rtm_family = ipv4 ? AF_INET : AF_INET6;
    header->rtm_dst_len = ipv4 ? 32 : 128;
    header->rtm_flags = flags;
    put_address(request, RTA_DST, destination);
    return netlink.ask(request, [&](const nlmsghdr* message) {
        if (message->nlmsg_type == RTM_NEWROUTE) answer(message);
    });
}

std::uint16_t mss_of(std::uint32_t mtu, bool ipv4) {
    const std::uint32_t headers = header_bytes(ipv4);
    return static_cast<std::uint16_t>(std::clamp(mtu > headers ? mtu - headers : 0, kSmallestMss, kLargestMss));
}

}  // namespace

Result<Route> lookup_route(NetlinkSocket& netlink, const IpAddress& destination) {
    Route route;
    bool learned = false;
    auto status = ask_route(netlink, destination, 0, [&](const nlmsghdr* message) {
        route = read_route(message);
        learned = has_learned(message);
    });
    // The route as it is configured: it lacks the source address where the kernel chooses it.
    if (status && learned)
        status = ask_route(netlink, destination, RTM_F_FIB_MATCH,
                           [&](const nlmsghdr* message) { route.mtu = read_route(message).mtu; });
    if (!status && !means_no_route(status.error().number)) return tl::unexpected(status.error());
    if (!status) route.none = status.error().message;
    return route;
}

tl::expected<EndpointWay, NoWay> judge_way(const IpAddress& endpoint, const Result<Route>& route,
                                           const std::vector<Interface>& attached) {
    const auto none = [](Exclusion exclusion, std::string detail = {}) {
        return tl::unexpected(NoWay{exclusion, std::move(detail)});
    };
    if (endpoint.is_unspecified()) return none(Exclusion::kUnspecifiedAddress);
    if (endpoint.is_loopback()) return none(Exclusion::kLoopbackAddress);
    if (endpoint.is_link_local()) return none(Exclusion::kLinkLocalAddress);
    if (endpoint.is_multicast()) return none(Exclusion::kMulticastAddress);
    if (!route) return tl::unexpected(NoWay{std::nullopt, route.error().message});
    if (!route->none.empty()) return none(Exclusion::kNoRoute, route->none);
    if (route->local) return none(Exclusion::kLocalAddress);
    if (route->broadcast) return none(Exclusion::kBroadcastAddress);
    const auto interface = std::find_if(attached.begin(), attached.end(),
                                        [&](const auto& candidate) { return candidate.ifindex == route->ifindex; });
    if (interface == attached.end()) return none(Exclusion::kInterfaceNotAttached);
    if (!route->source) return none(Exclusion::kNoSourceAddress, "by " + interface->name);
    const std::uint32_t mtu = route->mtu ? std::min(route->mtu, interface->mtu) : interface->mtu;
    return EndpointWay{*route->source, mss_of(mtu, endpoint.is_ipv4())};
}

VipMss lowest_mss(const std::vector<Interface>& attached) {
    std::uint32_t mtu = kLargestMss;
    for (const auto& interface : attached) mtu = std::min(mtu, interface.mtu);
    if (attached.empty()) mtu = 1500;
    return {mss_of(mtu, true), mss_of(mtu, false)};
}

}  // namespace slipgate
