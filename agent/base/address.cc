// SPDX-License-Identifier: Apache-2.0
#include "agent/base/address.h"

#include <arpa/inet.h>

#include <algorithm>
#include <cstring>

namespace slipgate {
namespace {

constexpr std::array<std::uint8_t, 12> kIpv4Prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

}  // namespace

IpAddress::IpAddress(const sg_address& address) {
    std::memcpy(bytes_.data(), &address, bytes_.size());
}

IpAddress IpAddress::from_wire(const void* bytes, std::size_t size) {
    IpAddress result;
    if (size == 4) std::copy(kIpv4Prefix.begin(), kIpv4Prefix.end(), result.bytes_.begin());
    if (size == 4 || size == result.bytes_.size()) std::memcpy(result.bytes_.end() - size, bytes, size);
    return result;
}

std::optional<IpAddress> IpAddress::parse(std::string_view text) {
    if (text.find('\0') != text.npos) return std::nullopt;  // inet_pton would not look further
    const std::string terminated(text);
    IpAddress result;
    if (inet_pton(AF_INET6, terminated.c_str(), result.bytes_.data()) == 1) return result;
    std::copy(kIpv4Prefix.begin(), kIpv4Prefix.end(), result.bytes_.begin());
    if (inet_pton(AF_INET, terminated.c_str(), result.bytes_.data() + 12) == 1) return result;
    return std::nullopt;
}

bool IpAddress::is_ipv4() const {
    return std::equal(kIpv4Prefix.begin(), kIpv4Prefix.end(), bytes_.begin());
}

std::string IpAddress::to_string() const {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (is_ipv4()) {
        inet_ntop(AF_INET, bytes_.data() + 12, text.data(), text.size());
    } else {
        inet_ntop(AF_INET6, bytes_.data(), text.data(), text.size());
    }
    return text.data();
}

sg_address IpAddress::to_abi() const {
    sg_address address{};
    std::memcpy(&address, bytes_.data(), bytes_.size());
    return address;
}

IpAddress IpAddress::successor() const {
    auto next = *this;
    for (auto byte = next.bytes_.rbegin(); byte != next.bytes_.rend() && ++*byte == 0; ++byte) continue;
    return next;
}

IpAddress IpAddress::predecessor() const {
    auto previous = *this;
    for (auto byte = previous.bytes_.rbegin(); byte != previous.bytes_.rend() && (*byte)-- == 0; ++byte) continue;
    return previous;
}

bool IpAddress::is_loopback() const {
    if (is_ipv4()) return bytes_[12] == 127;
    return std::all_of(bytes_.begin(), bytes_.end() - 1, [](auto b) { return b == 0; }) && bytes_[15] == 1;
}

bool IpAddress::is_link_local() const {
    if (is_ipv4()) return bytes_[12] == 169 && bytes_[13] == 254;
    return bytes_[0] == 0xfe && (bytes_[1] & 0xc0) == 0x80;
}

bool IpAddress::is_multicast() const {
    const bool is_broadcast = std::all_of(bytes_.begin() + 12, bytes_.end(), [](auto b) { return b == 0xff; });
    if (is_ipv4()) return (bytes_[12] & 0xf0) == 0xe0 || is_broadcast;
    return bytes_[0] == 0xff;
}

bool IpAddress::is_unspecified() const {
    if (is_ipv4()) return bytes_[12] == 0;
    return std::all_of(bytes_.begin(), bytes_.end(), [](auto b) { return b == 0; });
}

std::string SocketAddress::to_string() const {
    const auto text = address.to_string();
    return (address.is_ipv4() ? text : "[" + text + "]") + ":" + std::to_string(port);
}

}  // namespace slipgate
