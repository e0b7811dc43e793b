// SPDX-License-Identifier: Apache-2.0
#include "agent/host/listening_sockets.h"

#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <utility>

#include "agent/base/log.h"

namespace slipgate {
namespace {

constexpr int kBacklog = 64;

union SocketName {
    sockaddr any;
    sockaddr_in v4;
    sockaddr_in6 v6;
};

struct NativeAddress {
    SocketName name{};
    socklen_t size = 0;
};

NativeAddress native(const SocketAddress& vip) {
    NativeAddress result;
    const auto bytes = vip.address.wire();
    if (vip.address.is_ipv4()) {
        result.name.v4 = {.sin_family = AF_INET, .sin_port = htons(vip.port), .sin_addr = {}, .sin_zero = {}};
        std::memcpy(&result.name.v4.sin_addr, bytes.data(), bytes.size());
        result.size = sizeof(result.name.v4);
    } else {
        result.name.v6 = {.sin6_family = AF_INET6,
                          .sin6_port = htons(vip.port),
                          .sin6_flowinfo = 0,
                          .sin6_addr = {},
                          .sin6_scope_id = 0};
        std::memcpy(&result.name.v6.sin6_addr, bytes.data(), bytes.size());
        result.size = sizeof(result.name.v6);
    }
    return result;
}

bool set_option(const Fd& socket, int level, int option) {
    const int on = 1;
    return ::setsockopt(socket.get(), level, option, &on, sizeof(on)) == 0;
}

constexpr const char* kTaken = "another process of the node listens there";

tl::unexpected<Error> explain(int error) {
    if (error == EADDRINUSE) return fail(kTaken);
    if (error == EACCES) return fail("the agent lacks CAP_NET_BIND_SERVICE, for ports below 1024");
    return fail_errno("cannot listen", error);
}

SocketAddress from_native(const SocketName& name) {
    const bool ipv4 = name.any.sa_family == AF_INET;
    return {ipv4 ? IpAddress::from_wire(&name.v4.sin_addr, 4) : IpAddress::from_wire(&name.v6.sin6_addr, 16),
            ntohs(ipv4 ? name.v4.sin_port : name.v6.sin6_port)};
}

// Each VIP is a descriptor. A soft limit of 1024 is for programs that use select(), which this one does not.
void use_all_descriptors() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

SocketAddress local_name(const Fd& socket) {
    SocketName name{};
    socklen_t size = sizeof(name);
    ::getsockname(socket.get(), &name.any, &size);
    return from_native(name);
}

// Closes with a RST, and so without TIME_WAIT.
void reset(Fd connection) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(connection.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
}

// False: nobody waits any more.
bool refuse_one(int listening) {
    SocketName peer{};
    socklen_t size = sizeof(peer);
    Fd connection(::accept4(listening, &peer.any, &size, SOCK_CLOEXEC));
    if (!connection) return false;
    log::debug("host", "connection that the data path did not see: reset",
               {{"client", from_native(peer).to_string()}, {"vip", local_name(connection).to_string()}});
    reset(std::move(connection));
    return true;
}

}  // namespace

Result<ListeningSockets> ListeningSockets::create(std::size_t most) {
    use_all_descriptors();
    Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) return fail_errno("epoll_create1", errno);
    return ListeningSockets(std::move(epoll), most);
}

// An address need not be one of the host (FREEBIND): where a router leads its packets here, it works without.
Result<Fd> ListeningSockets::open(const SocketAddress& vip) const {
    const bool ipv4 = vip.address.is_ipv4();
    const auto [name, size] = native(vip);
    Fd socket(::socket(name.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!socket) return explain(errno);
    if (!set_option(socket, SOL_SOCKET, SO_REUSEADDR) ||
        !(ipv4 ? set_option(socket, IPPROTO_IP, IP_FREEBIND)
               : set_option(socket, IPPROTO_IPV6, IPV6_V6ONLY) && set_option(socket, IPPROTO_IPV6, IPV6_FREEBIND)))
        return explain(errno);
    if (::bind(socket.get(), &name.any, size) != 0 || ::listen(socket.get(), kBacklog) != 0) return explain(errno);
    epoll_event event{.events = EPOLLIN, .data = {.fd = socket.get()}};
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, socket.get(), &event) != 0) return explain(errno);
    return socket;
}

std::map<SocketAddress, std::string> ListeningSockets::listen(const std::set<SocketAddress>& want) {
    std::erase_if(sockets_, [&](const auto& entry) { return !want.contains(entry.first); });
    std::map<SocketAddress, std::string> unavailable;
    std::string problem;
    for (const auto& vip : want) {
        if (sockets_.contains(vip)) continue;
        if (sockets_.size() >= most_)
            unavailable.emplace(vip, fmt::format("the node listens on {} others already, and on no more", most_));
        else if (auto socket = open(vip))
            sockets_.emplace(vip, *std::move(socket));
        else if (socket.error().message == kTaken)
            unavailable.emplace(vip, kTaken);
        else if (problem.empty())
            problem = vip.to_string() + ": " + socket.error().message;
    }
    missing_ = want.size() - sockets_.size();
    note_problem(problem);
    return unavailable;
}

void ListeningSockets::note_problem(const std::string& problem) {
    if (problem == problem_) return;
    problem_ = problem;
    if (problem.empty())
        log::info("host", "each VIP has its listening socket");
    else
        log::warn("host", "a VIP is served without a listening socket", {{"error", problem}});
}

void ListeningSockets::refuse() {
    std::array<epoll_event, 64> events{};
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; i++) {
        for (int n = 0; n < kBacklog && refuse_one(events[static_cast<std::size_t>(i)].data.fd); n++) ++refused_;
    }
}

}  // namespace slipgate
