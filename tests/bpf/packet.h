// SPDX-License-Identifier: Apache-2.0
// TCP packets in Ethernet frames: built with chosen faults, and read back. Written from the RFCs and not from bpf/, so
// that what the programs make can be compared with it byte by byte. Numbers in host order, addresses as text.
#pragma once

#include <gtest/gtest.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "tests/unit/hello_builder.h"

namespace slipgate::test {

inline constexpr std::uint8_t kFin = 1, kSyn = 2, kRst = 4, kPsh = 8, kAck = 16, kUrg = 32, kEce = 64, kCwr = 128;

using Mac = std::array<std::uint8_t, 6>;

inline constexpr std::uint8_t kTcp = 6;
inline constexpr std::size_t kEthernet = 14;  // bytes of an Ethernet header

struct Packet {
    Mac destination_mac{}, source_mac{};
    std::string source, destination;
    std::uint16_t source_port = 0, destination_port = 0;
    std::uint32_t seq = 0, ack = 0;
    std::uint8_t flags = kAck;
    std::uint16_t window = 0xffff, urgent = 0;
    Bytes options;  // of TCP, a multiple of 4
    Bytes payload;
    std::uint8_t ttl = 64;
    std::uint8_t traffic_class = 0;
    std::uint16_t id = 0;               // IPv4
    std::uint16_t fragment = 0x4000;    // IPv4: flags and offset; "don't fragment"
    std::uint8_t next_header = kTcp;    // of the fixed IPv6 header
    Bytes extensions;                   // IPv4 options, a multiple of 4; or IPv6 extension headers, complete
    std::uint16_t checksum_error = 0;   // XORed to the TCP checksum
    std::optional<std::uint8_t> words;  // data offset of TCP, if not the true one
    Bytes padding;                      // behind the IP packet, as in short Ethernet frames

    [[nodiscard]] bool ipv6() const { return source.find(':') != std::string::npos; }
    [[nodiscard]] std::size_t ip_header() const { return (ipv6() ? 40 : 20) + extensions.size(); }
    [[nodiscard]] std::size_t tcp_at() const { return kEthernet + ip_header(); }  // in the frame
    // Sequence number after this segment (RFC 9293 3.4).
    [[nodiscard]] std::uint32_t end() const {
        return seq + static_cast<std::uint32_t>(payload.size()) + (flags & kSyn ? 1 : 0) + (flags & kFin ? 1 : 0);
    }
    [[nodiscard]] Bytes frame() const;
};

// A frame with this IP packet inside, of any protocol: `transport` is what follows the headers of `packet`.
Bytes ip_frame(const Packet& packet, const Bytes& transport);

// The TCP packet in a frame; nothing if it is none, or if its IPv4 or TCP checksum is wrong and that matters.
enum class Checksums { kVerified, kIgnored };
std::optional<Packet> parse(const Bytes& frame, Checksums checksums = Checksums::kVerified);
// The IP header of a frame; nothing if it has none. Extension headers and all behind are left out.
std::optional<Packet> parse_ip(const Bytes& frame);

// RFC 1071: the value of a checksum field over these bytes; 0 if they carry a right one.
std::uint16_t internet_checksum(const Bytes& bytes);

// The pseudo header of RFC 9293 3.1 and RFC 8200 8.1.
Bytes pseudo_header(const Packet& packet, std::uint8_t protocol, std::size_t length);

// Equal, or where they differ and what both are.
testing::AssertionResult same_frame(const Bytes& actual, const Bytes& expected);

std::string describe(const Bytes& frame);
std::string flag_names(std::uint8_t flags);

// ---- TCP options ----
struct Timestamps {
    std::uint32_t value = 0, echo = 0;
};
Bytes u32(std::uint32_t value);
std::uint32_t get32(const Bytes& bytes, std::size_t at);  // u32() read back
Bytes timestamps(Timestamps both);                        // NOP NOP TIMESTAMPS
std::optional<Timestamps> find_timestamps(const Packet& packet);

}  // namespace slipgate::test
