// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/packet_mutator.h"

#include <algorithm>

namespace slipgate::test {

Bytes PacketMutator::some_bytes(std::size_t length) {
    Bytes bytes(length);
    for (auto& byte : bytes) byte = static_cast<std::uint8_t>(random_());
    return bytes;
}

// Where window checks and wrap-arounds have their edges.
std::uint32_t PacketMutator::near(std::uint32_t number) {
    static constexpr std::uint32_t kSteps[] = {0,        1,       2, 8191, 8192, 65535, 1U << 20, (1U << 20) + 1,
                                               1U << 30, 1U << 31};
    const auto step = kSteps[below(std::size(kSteps))];
    if (one_in(6)) return static_cast<std::uint32_t>(random_());
    return one_in(2) ? number + step : number - step;
}

void PacketMutator::change(Packet& p) {
    switch (below(18)) {
        case 0:
        case 1:
            p.flags = static_cast<std::uint8_t>(random_());
            break;
        case 2:
            p.flags ^= static_cast<std::uint8_t>(1U << below(8));
            break;
        case 3:
        case 4:
            p.seq = near(p.seq);
            break;
        case 5:
            p.ack = near(p.ack);
            break;
        case 6:
            p.window = static_cast<std::uint16_t>(one_in(3) ? 0 : random_());
            p.urgent = static_cast<std::uint16_t>(random_());
            break;
        case 7:
            p.options = some_bytes(below(11) * 4);
            break;
        case 8:
            if (!p.options.empty()) p.options[below(p.options.size())] = static_cast<std::uint8_t>(random_());
            break;
        case 9:
            p.payload = some_bytes(below(1300));
            break;
        case 10:
            p.payload.resize(below(p.payload.size() + 1));
            break;
        case 11:
            p.ttl = static_cast<std::uint8_t>(below(3));
            break;
        case 12:
            p.source_port = static_cast<std::uint16_t>(random_());
            break;
        case 13:
            p.destination_port = static_cast<std::uint16_t>(random_());
            break;
        case 14:
            if (p.ipv6()) {
                static constexpr std::uint8_t kKinds[] = {0, 43, 44, 60};
                p.next_header = kKinds[below(4)];
                p.extensions = Bytes{static_cast<std::uint8_t>(one_in(3) ? kKinds[below(4)] : kTcp)} + some_bytes(7);
                p.extensions[1] = static_cast<std::uint8_t>(one_in(4) ? random_() : 0);
            } else {
                p.extensions = some_bytes(below(11) * 4);
            }
            break;
        case 15:
            p.fragment = static_cast<std::uint16_t>(one_in(2) ? 0x2000 : random_());
            break;
        case 16:
            p.words = static_cast<std::uint8_t>(below(16));
            break;
        default:
            p.checksum_error = static_cast<std::uint16_t>(random_());
            p.padding = Bytes(below(20), 0);
    }
}

Bytes PacketMutator::mutate(Packet packet) {
    for (auto left = 1 + below(3); left > 0; --left) change(packet);
    const Bytes frame = packet.frame();
    return one_in(8) ? spoil(frame) : frame;
}

Bytes PacketMutator::spoil(Bytes frame) {
    const std::size_t shortest = kEthernet + (frame[12] == 0x86 ? 40 : 20);  // the kernel takes nothing shorter
    for (auto left = 1 + below(4); left > 0; --left) {
        // not the kind of the frame: what is no IP is left alone, and there is nothing to see
        const auto at = kEthernet + below(frame.size() - kEthernet);
        frame[at] = static_cast<std::uint8_t>(random_());
    }
    if (one_in(3) && frame.size() > shortest) frame.resize(shortest + below(frame.size() - shortest));
    if (one_in(5)) frame = frame + some_bytes(below(30));
    return frame;
}

Bytes PacketMutator::garbage() {
    static constexpr std::uint16_t kKinds[] = {0x0800, 0x86dd, 0x0806, 0x8100};
    Bytes frame = some_bytes(12) + u16(kKinds[below(4)]) + some_bytes(40 + below(400));
    frame[0] &= 0xfe;
    if (frame[13] == 0) frame[kEthernet] = static_cast<std::uint8_t>(0x40 | below(16));
    return frame;
}

Bytes PacketMutator::icmp_error(const Packet& quoted, const Mac& from, const Mac& to, const std::string& router) {
    const Bytes frame = one_in(2) ? mutate(quoted) : quoted.frame();
    const Bytes packet(frame.begin() + kEthernet, frame.end());
    const Bytes quote(packet.begin(), packet.begin() + static_cast<std::ptrdiff_t>(
                                                           below(std::min<std::size_t>(packet.size(), 500)) + 1));
    Packet outer;
    outer.source_mac = from;
    outer.destination_mac = to;
    outer.source = router;
    outer.destination = quoted.source;
    outer.next_header = outer.ipv6() ? 58 : 1;
    outer.ttl = static_cast<std::uint8_t>(one_in(10) ? 1 : 64);
    static constexpr std::uint8_t kTypes4[] = {0, 3, 3, 3, 8, 11, 12}, kTypes6[] = {1, 1, 2, 2, 3, 4, 128};
    const std::uint8_t type = outer.ipv6() ? kTypes6[below(7)] : kTypes4[below(7)];
    const auto code = static_cast<std::uint8_t>(below(6));
    Bytes icmp = Bytes{type, code, 0, 0} + u32(static_cast<std::uint32_t>(random_() % 2000)) + quote;
    const Bytes pseudo = outer.ipv6() ? pseudo_header(outer, 58, icmp.size()) : Bytes{};
    const auto sum = internet_checksum(pseudo + icmp);
    icmp[2] = static_cast<std::uint8_t>(sum >> 8);
    icmp[3] = static_cast<std::uint8_t>(sum);
    return ip_frame(outer, icmp);
}

}  // namespace slipgate::test
