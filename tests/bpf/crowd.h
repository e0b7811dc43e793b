// SPDX-License-Identifier: Apache-2.0
// Many connections, put into a flow map as BPF would have left them: all of them silent for a minute, every tenth one
// live and the others over. Their endpoint sees the clients' own addresses and ports, so that a client that uses a port
// again takes both of the connection's tuples.
#pragma once

#include "tests/bpf/connection.h"

namespace slipgate::test {

class Crowd {
  public:
    // Connections of each client: the first of them is the family's, the others have the addresses after it.
    static constexpr std::uint32_t kPorts = 50'000;
    static constexpr std::uint16_t kFirstPort = 10'000;

    // `family`: one of kPreservedFamilies.
    explicit Crowd(const Family& family);

    [[nodiscard]] static bool is_live(std::uint32_t number) { return number % 10 == 0; }
    // As its client sends.
    [[nodiscard]] sg_tuple tuple(std::uint32_t number) const;
    // Turns a packet of the family's client, which comes from the side, into one of this connection.
    void readdress(Packet& packet, std::uint32_t number, Side side) const;

    // Writes connections 0 to `count` - 1.
    void fill(int map, std::uint32_t count) const;

  private:
    const Family& family_;
    const sg_tuple first_;
    const sg_address endpoint_;
};

}  // namespace slipgate::test
