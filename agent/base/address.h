// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include <slipgate/abi.h>

namespace slipgate {

// An IPv4 or IPv6 address; IPv4 is held as ::ffff:a.b.c.d, in network byte order, like struct sg_address.
class IpAddress {
  public:
    IpAddress() = default;  // "::"
    explicit IpAddress(const sg_address& address);

    // Textual forms of RFC 4291 2.2 and dotted quads. No zone, no prefix length. "::ffff:1.2.3.4" is an IPv4 address.
    static std::optional<IpAddress> parse(std::string_view text);

    [[nodiscard]] bool is_ipv4() const;
    [[nodiscard]] bool is_ipv6() const { return !is_ipv4(); }
    [[nodiscard]] std::string to_string() const;  // canonical (RFC 5952), IPv4 dotted
    [[nodiscard]] sg_address to_abi() const;
    [[nodiscard]] const std::array<std::uint8_t, 16>& bytes() const { return bytes_; }

    // The bytes of its own family in network byte order, 4 or 16, as the kernel takes them.
    [[nodiscard]] std::span<const std::uint8_t> wire() const { return std::span(bytes_).subspan(is_ipv4() ? 12 : 0); }
    [[nodiscard]] static IpAddress from_wire(const void* bytes, std::size_t size);  // "::" unless there are 4 or 16

    // The next higher and the next lower one, as numbers of 128 bits; there is always one: it is the other end of all.
    [[nodiscard]] IpAddress successor() const;
    [[nodiscard]] IpAddress predecessor() const;

    // Never a place a connection is spliced to, whatever the routes say.
    [[nodiscard]] bool is_loopback() const;
    [[nodiscard]] bool is_link_local() const;
    [[nodiscard]] bool is_multicast() const;    // or 255.255.255.255, which has many receivers as well
    [[nodiscard]] bool is_unspecified() const;  // "::", 0.0.0.0 and the rest of 0.0.0.0/8 (RFC 1122 3.2.1.3)

    auto operator<=>(const IpAddress&) const = default;

  private:
    std::array<std::uint8_t, 16> bytes_{};
};

struct SocketAddress {
    IpAddress address;
    std::uint16_t port = 0;  // host order

    [[nodiscard]] std::string to_string() const;  // "192.0.2.1:443", "[2001:db8::1]:443"
    auto operator<=>(const SocketAddress&) const = default;
};

}  // namespace slipgate
