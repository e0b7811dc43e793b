// SPDX-License-Identifier: Apache-2.0
#include "agent/host/host_addresses.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "agent/base/fnv1a.h"
#include "agent/base/log.h"
#include "agent/host/announce.h"

namespace slipgate {
namespace {

constexpr const char* kComponent = "host";

// `ip address` shows it as "proto 83". The numbers below 4 are the kernel's (linux/if_addr.h), the rest is free.
constexpr std::uint8_t kGatewayMark = 'S';

// `ip address` shows it as "metric", which is for the route to the network of an address: these have no such route. The
// kernel does not tell a metric of 0.
AddressOwner owner_of(const std::filesystem::path& pin_dir) {
    const auto path = (pin_dir / "").lexically_normal().string();  // with and without a slash at its end
    return std::max(AddressOwner{1}, static_cast<AddressOwner>(fnv1a(path)));
}

constexpr std::uint32_t kForever = 0xffffffff;

using Buffer = std::array<char, 256>;

nlmsghdr* begin_request(Buffer& buffer, std::uint16_t type, std::uint16_t flags) {
    nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type = type;
    request->nlmsg_flags = static_cast<std::uint16_t>(NLM_F_REQUEST | flags);
    return request;
}

std::string name_of_interface(int ifindex) {
    std::array<char, IF_NAMESIZE> name{};
    return ::if_indextoname(static_cast<unsigned>(ifindex), name.data()) ? name.data() : std::to_string(ifindex);
}

// Of a point-to-point link IFA_ADDRESS is the other end's, elsewhere the same as IFA_LOCAL, which IPv6 leaves out.
std::optional<HostAddress> read_host_address(const nlmsghdr* message) {
    const auto* header = static_cast<const ifaddrmsg*>(mnl_nlmsg_get_payload(message));
    const NetlinkAttributes attributes(message, sizeof(*header));
    const auto* peer = attributes.get(IFA_ADDRESS);
    const auto* local = attributes.get(IFA_LOCAL);
    if (!peer && !local) return std::nullopt;
    const auto* mark = attributes.get(IFA_PROTO);
    const auto* metric = attributes.get(IFA_RT_PRIORITY);
    std::optional<AddressOwner> owner;
    if (mark && mnl_attr_get_u8(mark) == kGatewayMark) owner = metric ? mnl_attr_get_u32(metric) : 0;
    return HostAddress{read_address(local ? local : peer),
                       IpPrefix::around(read_address(peer ? peer : local), header->ifa_prefixlen),
                       static_cast<int>(header->ifa_index), owner};
}

Result<std::vector<HostAddress>> list_addresses(NetlinkSocket& netlink) {
    Buffer buffer{};
    auto* request = begin_request(buffer, RTM_GETADDR, NLM_F_DUMP);
    mnl_nlmsg_put_extra_header(request, sizeof(ifaddrmsg));  // AF_UNSPEC
    std::vector<HostAddress> all;
    const auto status = netlink.ask(request, [&](const nlmsghdr* message) {
        if (message->nlmsg_type != RTM_NEWADDR) return;
        if (auto one = read_host_address(message)) all.push_back(*std::move(one));
    });
    if (!status) return fail(status.error(), "list addresses");
    return all;
}

// No route is no interface, and so is one that leads nowhere.
std::optional<int> way_to(NetlinkSocket& netlink, const IpAddress& address) {
    Buffer buffer{};
    auto* request = begin_request(buffer, RTM_GETROUTE, 0);
    auto* header = static_cast<rtmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(rtmsg)));
    header->rtm_family = address.is_ipv4() ? AF_INET : AF_INET6;
    header->rtm_dst_len = address.is_ipv4() ? 32 : 128;
    put_address(request, RTA_DST, address);
    std::optional<int> ifindex;
    const auto status = netlink.ask(request, [&](const nlmsghdr* message) {
        const auto* route = static_cast<const rtmsg*>(mnl_nlmsg_get_payload(message));
        if (message->nlmsg_type != RTM_NEWROUTE || route->rtm_type != RTN_UNICAST) return;
        const NetlinkAttributes attributes(message, sizeof(*route));
        if (const auto* oif = attributes.get(RTA_OIF)) ifindex = static_cast<int>(mnl_attr_get_u32(oif));
    });
    return status ? ifindex : std::nullopt;
}

nlmsghdr* begin_address(Buffer& buffer, std::uint16_t type, std::uint16_t flags, const PlacedAddress& placed) {
    const bool ipv4 = placed.address.is_ipv4();
    auto* request = begin_request(buffer, type, static_cast<std::uint16_t>(NLM_F_ACK | flags));
    auto* header = static_cast<ifaddrmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(ifaddrmsg)));
    header->ifa_family = ipv4 ? AF_INET : AF_INET6;
    header->ifa_prefixlen = ipv4 ? 32 : 128;
    header->ifa_index = static_cast<std::uint32_t>(placed.ifindex);
    // The host must not choose it as the source of its own connections, which a removed Gateway would cut. IPv4 takes
    // none of link scope for hosts elsewhere (inet_select_addr() in net/ipv4/devinet.c), IPv6 none that is deprecated
    // (RFC 6724 rule 3).
    header->ifa_scope = ipv4 ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE;
    put_address(request, IFA_LOCAL, placed.address);
    put_address(request, IFA_ADDRESS, placed.address);
    return request;
}

Status add(NetlinkSocket& netlink, const PlacedAddress& placed, AddressOwner owner) {
    Buffer buffer{};
    auto* request = begin_address(buffer, RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL, placed);
    // Whoever had it before is gone, and clients should not wait for duplicate address detection.
    mnl_attr_put_u32(request, IFA_FLAGS, IFA_F_NOPREFIXROUTE | IFA_F_NODAD);
    mnl_attr_put_u8(request, IFA_PROTO, kGatewayMark);
    mnl_attr_put_u32(request, IFA_RT_PRIORITY, owner);
    if (placed.address.is_ipv6()) {
        const ifa_cacheinfo lifetimes{.ifa_prefered = 0, .ifa_valid = kForever, .cstamp = 0, .tstamp = 0};
        mnl_attr_put(request, IFA_CACHEINFO, sizeof(lifetimes), &lifetimes);
    }
    auto status = netlink.ask(request, [](const nlmsghdr*) {});
    if (!status && status.error().number == EEXIST) return {};  // somebody was faster
    return status;
}

Status remove(NetlinkSocket& netlink, const PlacedAddress& placed) {
    Buffer buffer{};
    auto status = netlink.ask(begin_address(buffer, RTM_DELADDR, 0, placed), [](const nlmsghdr*) {});
    if (!status && (status.error().number == EADDRNOTAVAIL || status.error().number == ENODEV)) return {};
    return status;
}

// That of the network and that of all in it: nobody connects to these (RFC 919). A network of two has none (RFC 3021).
void add_ends(const IpPrefix& network, std::set<IpAddress>& addresses) {
    if (!network.first().is_ipv4() || network.length() >= 31) return;
    addresses.insert({network.first(), network.last()});
}

}  // namespace

Result<HostAddresses> HostAddresses::open(const std::filesystem::path& pin_dir) {
    auto netlink = NetlinkSocket::open(0);
    if (!netlink) return tl::unexpected(netlink.error());
    return HostAddresses(*std::move(netlink), owner_of(pin_dir));
}

Result<std::set<IpAddress>> HostAddresses::of_host() {
    const auto have = list_addresses(netlink_);
    if (!have) return tl::unexpected(have.error());
    std::set<IpAddress> own;
    for (const auto& one : *have) {
        if (one.owner) continue;
        own.insert(one.address);
        add_ends(one.network, own);
    }
    return own;
}

// One that moves is added at its new place before it is removed from the old one, and stays there if that fails.
ConfiguredAddresses HostAddresses::configure(const std::set<IpAddress>& want) {
    ConfiguredAddresses result;
    const auto have = list_addresses(netlink_);
    if (!have) {
        result.status = tl::unexpected(have.error());
        for (const auto& address : want) result.missing.emplace(address, have.error().message);
        return result;
    }
    const auto plan = plan_addresses(*have, want, owner_, [this](const IpAddress& a) { return way_to(netlink_, a); });
    const auto note = [&](const Status& status, const PlacedAddress& placed, const char* done) {
        const auto text = placed.address.to_string(), interface = name_of_interface(placed.ifindex);
        if (status)
            log::info(kComponent, done, {{"address", text}, {"interface", interface}});
        else if (result.status)
            result.status = fail(status.error(), fmt::format("address {} on {}", text, interface));
    };
    for (const auto& placed : plan.add) {
        const auto status = add(netlink_, placed, owner_);
        note(status, placed, "address configured");
        if (status)
            tell_neighbours(placed);
        else
            result.missing.emplace(placed.address, status.error().message);
    }
    for (const auto& placed : plan.remove) {
        if (!result.missing.contains(placed.address)) note(remove(netlink_, placed), placed, "address given back");
    }
    const std::set<IpAddress> homeless(plan.homeless.begin(), plan.homeless.end());
    for (const auto& address : homeless) {
        if (!homeless_.contains(address))
            log::warn(kComponent, "no interface for this address: routers have to lead its packets here",
                      {{"address", address.to_string()}});
    }
    homeless_ = homeless;
    return result;
}

// They find the address without, but not at once if it was elsewhere before.
void HostAddresses::tell_neighbours(const PlacedAddress& placed) {
    const auto status = announce(placed);
    const auto problem = status ? "" : status.error().message;
    if (!status && problem != announce_problem_)
        log::warn(kComponent, "neighbours are not told where an address is now", {{"error", problem}});
    announce_problem_ = problem;
}

}  // namespace slipgate
