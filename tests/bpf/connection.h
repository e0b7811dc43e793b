// SPDX-License-Identifier: Apache-2.0
// A scripted connection through the gateway: the test plays client and endpoint, knows the numbers both use, and so
// what each packet must look like on the other side.
#pragma once

#include <string_view>

#include "tests/bpf/splice_bench.h"

namespace slipgate::test {

// What one side counts with.
struct Numbers {
    std::uint32_t isn = 0, next = 0, acked = 0;  // acked: the next byte expected from the other side
    std::uint32_t clock = 0;                     // TSval
    std::uint32_t echo = 0;                      // TSecr
};

// Initial sequence numbers and clocks; a test sets them to what it wants to see wrap around.
struct Start {
    std::uint32_t client_isn = 0x10203040, endpoint_isn = 0x9aabbcc0;
    std::uint32_t client_clock = 0x00ffee00, endpoint_clock = 0x77665500;
    bool timestamps = true, sack = true;
    int client_scale = 7, endpoint_scale = 7;  // -1: not offered
};

class Connection {
  public:
    Connection(SpliceBench& bench, const Family& family, std::uint16_t client_port, const Start& start = {});

    // Each step asserts that the gateway does what it must, byte for byte, and goes on from there.
    void syn();                                    // SYN, SYN-ACK
    void part_of_hello(std::size_t bytes);         // kept, not answered
    void rest_of_hello(const Counted& also = {});  // becomes the SYN to the endpoint; `also` is counted for it
    void syn_ack();                                // becomes ACK and hello
    void first_exchange();                         // the endpoint answers with data, the client acknowledges
    void establish();                              // all of the above
    void reestablish();                            // the same on the tuple of one that is over, and may be collected
    void close();                                  // FINs of both sides; the flow is closing
    void send(Side side, const Packet& packet);    // translated and tracked

    // The next packet of a side; its numbers are the side's own.
    [[nodiscard]] Packet packet(Side side, std::uint8_t flags, const Bytes& payload = {}) const;
    // What the packet is on the other side, if it is translated. Nothing is tracked.
    [[nodiscard]] Packet translated(Side from, const Packet& packet) const;

    // Packets the gateway makes.
    [[nodiscard]] Packet expected_syn_ack(const Packet& syn, const Packet& answer) const;
    [[nodiscard]] Packet expected_endpoint_syn(const Packet& sent) const;
    [[nodiscard]] Packet expected_hand_over() const;
    [[nodiscard]] Packet expected_refusal() const;    // the RST to a client that is not served
    [[nodiscard]] Packet answer_to(Side side) const;  // addressed to that side, on its own link

    // Does the endpoint see the client's own address and port?
    [[nodiscard]] bool preserved() const { return std::string_view(family.ours) == family.client; }

    [[nodiscard]] Bytes syn_options() const;
    [[nodiscard]] Bytes endpoint_syn_options() const;

    SpliceBench& bench;
    const Family& family;
    Start start;
    std::uint16_t client_port, our_port = 0;
    Bytes hello;
    std::size_t hello_sent = 0;
    Numbers client, endpoint;
    std::uint32_t cookie = 0, our_isn = 0;
    std::uint32_t our_clock_to_client = 0, our_clock_to_endpoint = 0;  // TSvals of SYN-ACK and of SYN
    std::uint32_t client_clock_at_syn = 0;                             // when the SYN to the endpoint was made
    std::uint32_t endpoint_clock_at_syn_ack = 0;
};

}  // namespace slipgate::test
