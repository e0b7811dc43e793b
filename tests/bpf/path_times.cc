// SPDX-License-Identifier: Apache-2.0
// path_times [CONNECTIONS]: what the programs take for each kind of packet, as a table. The kernel's own statistics
// count a tail call as part of the program that made it; BPF_PROG_TEST_RUN says how long one packet took. A program
// changes its packet, so each is run once (no `repeat`), by many connections one after the other.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <iostream>

#include "tests/bpf/connection.h"

namespace slipgate::test {
namespace {

int connections = 2000;  // argument
constexpr int kExchanges = 5;
constexpr std::size_t kSegment = 1400;

struct Path {
    const char* name;
    std::array<std::vector<std::uint32_t>, 2> nanoseconds;  // IPv4, IPv6
};

// The value that this share of them does not exceed.
std::uint32_t quantile(std::vector<std::uint32_t>& all, double share) {
    const auto at = all.begin() + static_cast<std::ptrdiff_t>(static_cast<double>(all.size() - 1) * share);
    std::nth_element(all.begin(), at, all.end());
    return *at;
}

class PathTimes : public SpliceBench {
  protected:
    // The last packet took this path.
    void took(Path& path, const Connection& c) { path.nanoseconds.at(&c.family == &kIpv6).push_back(nanoseconds()); }

    void exchange(Connection& c) {
        ASSERT_NO_FATAL_FAILURE(c.send(Side::kClient, c.packet(Side::kClient, kAck | kPsh, Bytes(kSegment, 0x17))));
        took(data_up, c);
        ASSERT_NO_FATAL_FAILURE(c.send(Side::kEndpoint, c.packet(Side::kEndpoint, kAck | kPsh, Bytes(kSegment, 0x17))));
        took(data_down, c);
        ASSERT_NO_FATAL_FAILURE(c.send(Side::kClient, c.packet(Side::kClient, kAck)));
        took(ack, c);
        Packet foreign = c.packet(Side::kClient, kAck | kPsh, Bytes(kSegment, 0x17));
        foreign.destination = c.family.endpoint;
        ASSERT_EQ(run_packet(foreign, Side::kClient).action, kPassed);
        took(not_ours, c);
    }

    void whole_connection(const Family& family, std::uint16_t port) {
        Connection c(*this, family, port);
        ASSERT_NO_FATAL_FAILURE(c.syn());
        took(syn, c);
        ASSERT_NO_FATAL_FAILURE(c.rest_of_hello());
        took(hello, c);
        ASSERT_NO_FATAL_FAILURE(c.syn_ack());
        took(syn_ack, c);
        ASSERT_NO_FATAL_FAILURE(c.first_exchange());
        for (int i = 0; i < kExchanges; ++i) ASSERT_NO_FATAL_FAILURE(exchange(c));
        ASSERT_NO_FATAL_FAILURE(c.send(Side::kClient, c.packet(Side::kClient, kFin | kAck)));
        took(first_fin, c);
        ASSERT_NO_FATAL_FAILURE(c.send(Side::kEndpoint, c.packet(Side::kEndpoint, kFin | kAck)));
        took(last_fin, c);
        for (const auto side : {Side::kClient, Side::kEndpoint}) forget_flow(c.packet(side, kAck));
    }

    Path syn{"SYN → SYN-ACK", {}}, hello{"hello, one segment → SYN to the endpoint", {}},
        syn_ack{"SYN-ACK → ACK and hello", {}}, data_up{"data to the endpoint", {}},
        data_down{"data to the client", {}}, ack{"ACK", {}}, first_fin{"FIN, the first", {}},
        last_fin{"FIN, the second", {}}, not_ours{"not ours", {}};
};

TEST_F(PathTimes, OfEachKindOfPacket) {
    for (const auto* family : kFamilies) {
        for (int i = 0; i < connections; ++i)
            ASSERT_NO_FATAL_FAILURE(whole_connection(*family, static_cast<std::uint16_t>(1024 + i)));
        ASSERT_TRUE(datapath().read_events([](const ConnectionEvent&) {})) << "room for the events of the next";
    }
    std::cout << "| packet | IPv4, ns | 90 % below | IPv6, ns | 90 % below |\n|---|--:|--:|--:|--:|\n";
    for (auto* path : {&syn, &hello, &syn_ack, &data_up, &data_down, &ack, &first_fin, &last_fin, &not_ours}) {
        std::cout << "| " << path->name;
        for (auto& all : path->nanoseconds) std::cout << " | " << quantile(all, 0.5) << " | " << quantile(all, 0.9);
        std::cout << " |\n";
    }
}

}  // namespace
}  // namespace slipgate::test

int main(int argc, char** argv) {
    testing::InitGoogleTest(&argc, argv);
    if (argc > 1) slipgate::test::connections = std::atoi(argv[1]);
    return RUN_ALL_TESTS();
}
