// SPDX-License-Identifier: Apache-2.0
#include "tests/bpf/packet.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstdio>

namespace slipgate::test {
namespace {

Bytes address(const std::string& text) {
    Bytes bytes(text.find(':') == std::string::npos ? 4 : 16);
    EXPECT_EQ(inet_pton(bytes.size() == 4 ? AF_INET : AF_INET6, text.c_str(), bytes.data()), 1) << text;
    return bytes;
}

std::string address_text(const Bytes& frame, std::size_t at, bool ipv6) {
    char text[INET6_ADDRSTRLEN] = "";
    inet_ntop(ipv6 ? AF_INET6 : AF_INET, &frame[at], text, sizeof text);
    return text;
}

std::uint16_t get16(const Bytes& bytes, std::size_t at) {
    return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

Bytes part(const Bytes& bytes, std::size_t from, std::size_t to) {
    return {bytes.begin() + static_cast<std::ptrdiff_t>(from), bytes.begin() + static_cast<std::ptrdiff_t>(to)};
}

Bytes mac(const Mac& address) {
    return {address.begin(), address.end()};
}

void put(Bytes& bytes, std::size_t at, const Bytes& value) {
    std::copy(value.begin(), value.end(), bytes.begin() + static_cast<std::ptrdiff_t>(at));
}

}  // namespace

std::uint32_t get32(const Bytes& bytes, std::size_t at) {
    return static_cast<std::uint32_t>(get16(bytes, at)) << 16 | get16(bytes, at + 2);
}

Bytes u32(std::uint32_t value) {
    return u16(value >> 16) + u16(value);
}

std::uint16_t internet_checksum(const Bytes& bytes) {
    std::uint64_t sum = 0;
    for (std::size_t i = 0; i < bytes.size(); i += 2) {
        sum += static_cast<std::uint64_t>(bytes[i]) << 8;
        if (i + 1 < bytes.size()) sum += bytes[i + 1];
    }
    while (sum >> 16) sum = (sum & 0xffff) + (sum >> 16);
    return static_cast<std::uint16_t>(~sum);
}

Bytes pseudo_header(const Packet& packet, std::uint8_t protocol, std::size_t length) {
    return address(packet.source) + address(packet.destination) + u32(static_cast<std::uint32_t>(length)) +
           u32(protocol);
}

Bytes ip_frame(const Packet& p, const Bytes& transport) {
    Bytes ip;
    if (p.ipv6()) {
        ip = u32(6U << 28 | static_cast<std::uint32_t>(p.traffic_class) << 20) +
             u16(p.extensions.size() + transport.size()) + u8(p.next_header) + u8(p.ttl) + address(p.source) +
             address(p.destination) + p.extensions;
    } else {
        ip = u8(4 << 4 | p.ip_header() / 4) + u8(p.traffic_class) + u16(p.ip_header() + transport.size()) + u16(p.id) +
             u16(p.fragment) + u8(p.ttl) + u8(p.next_header) + u16(0) + address(p.source) + address(p.destination) +
             p.extensions;
        put(ip, 10, u16(internet_checksum(ip)));
    }
    return mac(p.destination_mac) + mac(p.source_mac) + u16(p.ipv6() ? 0x86dd : 0x0800) + ip + transport + p.padding;
}

Bytes Packet::frame() const {
    const std::size_t header = 20 + options.size();
    Bytes tcp = u16(source_port) + u16(destination_port) + u32(seq) + u32(ack) +
                u8(words.value_or(static_cast<std::uint8_t>(header / 4)) << 4) + u8(flags) + u16(window) + u16(0) +
                u16(urgent) + options + payload;
    put(tcp, 16, u16(internet_checksum(pseudo_header(*this, kTcp, tcp.size()) + tcp) ^ checksum_error));
    return ip_frame(*this, tcp);
}

std::optional<Packet> parse_ip(const Bytes& frame) {
    if (frame.size() < kEthernet + 20) return {};
    Packet p;
    std::copy_n(frame.begin(), 6, p.destination_mac.begin());
    std::copy_n(frame.begin() + 6, 6, p.source_mac.begin());
    const bool ipv6 = get16(frame, 12) == 0x86dd;
    if (ipv6 ? frame.size() < kEthernet + 40 : get16(frame, 12) != 0x0800) return {};
    if (ipv6) {
        p.traffic_class = static_cast<std::uint8_t>(get16(frame, kEthernet) >> 4);
        p.next_header = frame[kEthernet + 6];
        p.ttl = frame[kEthernet + 7];
    } else {
        p.traffic_class = frame[kEthernet + 1];
        p.id = get16(frame, kEthernet + 4);
        p.fragment = get16(frame, kEthernet + 6);
        p.ttl = frame[kEthernet + 8];
        p.next_header = frame[kEthernet + 9];
    }
    p.source = address_text(frame, kEthernet + (ipv6 ? 8 : 12), ipv6);
    p.destination = address_text(frame, kEthernet + (ipv6 ? 24 : 16), ipv6);
    return p;
}

std::optional<Packet> parse(const Bytes& frame, Checksums checksums) {
    auto ip = parse_ip(frame);
    if (!ip) return {};
    Packet& p = *ip;
    const bool verified = checksums == Checksums::kVerified;
    const bool ipv6 = p.ipv6();
    const std::size_t ip_header = ipv6 ? 40 : static_cast<std::size_t>(frame[kEthernet] & 15) * 4;
    const std::size_t end = kEthernet + (ipv6 ? 40U : 0U) + get16(frame, kEthernet + (ipv6 ? 4 : 2));
    std::size_t tcp = kEthernet + ip_header;
    std::uint8_t protocol = p.next_header;
    if (ip_header < 20 || tcp > frame.size() || end > frame.size()) return {};
    if (ipv6) {
        // hop-by-hop and destination options, routing headers with no segment left
        while (tcp + 8 <= end && (protocol == 0 || protocol == 60 || (protocol == 43 && frame[tcp + 3] == 0))) {
            const std::size_t length = (frame[tcp + 1] + std::size_t{1}) * 8;
            protocol = frame[tcp];
            if (tcp + length > end) return {};
            p.extensions = p.extensions + part(frame, tcp, tcp + length);
            tcp += length;
        }
    } else {
        if (p.fragment & 0x3fff || (verified && internet_checksum(part(frame, kEthernet, tcp)))) return {};
        p.extensions = part(frame, kEthernet + 20, tcp);
    }
    if (protocol != kTcp || tcp + 20 > end) return {};
    const std::size_t header = static_cast<std::size_t>(frame[tcp + 12] >> 4) * 4;
    if (header < 20 || tcp + header > end) return {};
    if (verified && internet_checksum(pseudo_header(p, kTcp, end - tcp) + part(frame, tcp, end))) return {};
    p.source_port = get16(frame, tcp);
    p.destination_port = get16(frame, tcp + 2);
    p.seq = get32(frame, tcp + 4);
    p.ack = get32(frame, tcp + 8);
    p.flags = frame[tcp + 13];
    p.window = get16(frame, tcp + 14);
    p.urgent = get16(frame, tcp + 18);
    p.options = part(frame, tcp + 20, tcp + header);
    p.payload = part(frame, tcp + header, end);
    p.padding = part(frame, end, frame.size());
    return p;
}

std::string flag_names(std::uint8_t flags) {
    static constexpr const char* kNames[] = {"FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR"};
    std::string text;
    for (int bit = 0; bit < 8; ++bit) {
        if (flags >> bit & 1) text += (text.empty() ? "" : "+") + std::string(kNames[bit]);
    }
    return text.empty() ? "none" : text;
}

std::string describe(const Bytes& frame) {
    std::string text;
    if (const auto p = parse(frame)) {
        text = p->source + " " + std::to_string(p->source_port) + " > " + p->destination + " " +
               std::to_string(p->destination_port) + " " + flag_names(p->flags) + " seq " + std::to_string(p->seq) +
               " ack " + std::to_string(p->ack) + " payload " + std::to_string(p->payload.size()) + "\n";
    } else {
        text = "(no TCP packet with right checksums)\n";
    }
    char byte[4];
    for (std::size_t i = 0; i < frame.size(); ++i) {
        std::snprintf(byte, sizeof byte, "%02x%c", frame[i], i % 32 == 31 ? '\n' : ' ');
        text += byte;
    }
    return text + "\n";
}

testing::AssertionResult same_frame(const Bytes& actual, const Bytes& expected) {
    if (actual == expected) return testing::AssertionSuccess();
    const auto common = std::min(actual.size(), expected.size());
    std::size_t at = 0;
    while (at < common && actual[at] == expected[at]) ++at;
    return testing::AssertionFailure() << "differ at byte " << at << "\nactual:   " << describe(actual)
                                       << "expected: " << describe(expected);
}

Bytes timestamps(Timestamps both) {
    return Bytes{1, 1, 8, 10} + u32(both.value) + u32(both.echo);
}

std::optional<Timestamps> find_timestamps(const Packet& packet) {
    const Bytes& o = packet.options;
    for (std::size_t at = 0; at < o.size() && o[at] != 0;) {
        if (o[at] == 1) {
            ++at;
        } else if (at + 1 >= o.size() || o[at + 1] < 2) {
            return {};
        } else if (o[at] == 8 && o[at + 1] == 10 && at + 10 <= o.size()) {
            return Timestamps{get32(o, at + 2), get32(o, at + 6)};
        } else {
            at += o[at + 1];
        }
    }
    return {};
}

}  // namespace slipgate::test
