// SPDX-License-Identifier: Apache-2.0
// Packets that are nearly right: a valid one with some of its fields changed, or its bytes.
#pragma once

#include <random>

#include "tests/bpf/packet.h"

namespace slipgate::test {

class PacketMutator {
  public:
    explicit PacketMutator(std::uint64_t seed) : random_(seed) {}

    // One to three fields changed; checksums are right again unless they are what changed.
    Bytes mutate(Packet packet);
    // Bytes flipped, cut off or added, with no regard to checksums.
    Bytes spoil(Bytes frame);
    // No packet at all, behind an Ethernet header.
    Bytes garbage();
    // An ICMP error that quotes this frame's IP packet, or a part of it, from `router` to its sender.
    Bytes icmp_error(const Packet& quoted, const Mac& from, const Mac& to, const std::string& router);

    std::uint64_t below(std::uint64_t limit) { return random_() % limit; }
    bool one_in(std::uint64_t n) { return below(n) == 0; }

  private:
    Bytes some_bytes(std::size_t length);
    std::uint32_t near(std::uint32_t number);
    void change(Packet& packet);

    std::mt19937_64 random_;
};

}  // namespace slipgate::test
