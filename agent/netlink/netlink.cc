// SPDX-License-Identifier: Apache-2.0
#include "agent/netlink/netlink.h"

#include <sys/socket.h>

#include <array>
#include <cerrno>

namespace slipgate {
namespace {

constexpr std::size_t kBufferSize = 32768;  // largest dump message of the kernel

int on_message(const nlmsghdr* message, void* answer) {
    (*static_cast<const std::function<void(const nlmsghdr*)>*>(answer))(message);
    return MNL_CB_OK;
}

}  // namespace

Result<NetlinkSocket> NetlinkSocket::open(unsigned groups) {
    mnl_socket* socket = mnl_socket_open2(NETLINK_ROUTE, SOCK_CLOEXEC);
    if (!socket) return fail_errno("open netlink socket", errno);
    NetlinkSocket owner(socket);
    if (mnl_socket_bind(socket, groups, MNL_SOCKET_AUTOPID) < 0) return fail_errno("bind netlink socket", errno);
    return owner;
}

Status NetlinkSocket::ask(nlmsghdr* request, const std::function<void(const nlmsghdr*)>& answer) {
    drain();  // a question that failed, as a dump does while interfaces change, has left the rest of its answer
    request->nlmsg_seq = ++sequence_;
    if (mnl_socket_sendto(socket_.get(), request, request->nlmsg_len) < 0) return fail_errno("netlink request", errno);
    const bool dump = (request->nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP;
    std::vector<char> buffer(kBufferSize);
    while (true) {
        const auto length = mnl_socket_recvfrom(socket_.get(), buffer.data(), buffer.size());
        if (length < 0) return fail_errno("netlink answer", errno);
        auto callback = answer;
        const int result = mnl_cb_run(buffer.data(), static_cast<std::size_t>(length), sequence_,
                                      mnl_socket_get_portid(socket_.get()), on_message, &callback);
        if (result < 0) return fail_errno("netlink answer", errno);
        if (result == MNL_CB_STOP || !dump) return {};
    }
}

void NetlinkSocket::drain() {
    std::array<char, 4096> ignored{};
    while (recv(fd(), ignored.data(), ignored.size(), MSG_DONTWAIT | MSG_TRUNC) > 0 || errno == ENOBUFS) {
        errno = 0;
    }
}

NetlinkAttributes::NetlinkAttributes(const nlmsghdr* message, std::size_t header_size) {
    mnl_attr_parse(message, static_cast<unsigned>(header_size), collect, this);
}

NetlinkAttributes::NetlinkAttributes(const nlattr* nested) {
    mnl_attr_parse_nested(nested, collect, this);
}

int NetlinkAttributes::collect(const nlattr* attribute, void* self) {
    auto& all = static_cast<NetlinkAttributes*>(self)->all_;
    const auto type = mnl_attr_get_type(attribute);
    if (type >= all.size()) all.resize(type + 1U);
    all[type] = attribute;
    return MNL_CB_OK;
}

void put_address(nlmsghdr* message, std::uint16_t type, const IpAddress& address) {
    const auto bytes = address.wire();
    mnl_attr_put(message, type, bytes.size(), bytes.data());
}

IpAddress read_address(const nlattr* attribute) {
    return IpAddress::from_wire(mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
}

}  // namespace slipgate
