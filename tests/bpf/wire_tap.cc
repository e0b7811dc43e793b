// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/wire_tap.h"

#include <arpa/inet.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <poll.h>
#include <sys/socket.h>

#include <chrono>

namespace slipgate::test {

WireTap::WireTap(const std::string& interface)
    : socket_(socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK, htons(ETH_P_ALL))) {
    sockaddr_ll address{};
    address.sll_family = AF_PACKET;
    address.sll_protocol = htons(ETH_P_ALL);
    if (!socket_) {
        ADD_FAILURE() << "no packet socket";
        return;
    }
    address.sll_ifindex = static_cast<int>(if_nametoindex(interface.c_str()));
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0) << interface;
}

std::vector<Bytes> WireTap::frames(std::size_t count) {
    std::vector<Bytes> all;
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(2);
    while (all.size() < count && std::chrono::steady_clock::now() < deadline) {
        pollfd wait{socket_.get(), POLLIN, 0};
        poll(&wait, 1, 100);
        Bytes frame(65536);
        const auto length = recv(socket_.get(), frame.data(), frame.size(), 0);
        if (length < 0) continue;
        frame.resize(static_cast<std::size_t>(length));
        if (parse(frame)) all.push_back(frame);
    }
    return all;
}

}  // namespace slipgate::test
