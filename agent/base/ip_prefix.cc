// SPDX-License-Identifier: Apache-2.0
#include "agent/base/ip_prefix.h"

#include <charconv>
#include <cstring>

namespace slipgate {
namespace {

constexpr unsigned kMappedBits = 96;  // in front of an IPv4 address

// The first `bits` of the address, all others zero or all of them one.
IpAddress masked(const IpAddress& address, unsigned bits, bool ones = false) {
    auto bytes = address.bytes();
    for (unsigned i = 0; i < bytes.size(); ++i) {
        const unsigned kept = bits <= i * 8 ? 0 : bits - i * 8;
        if (kept >= 8) continue;
        const unsigned others = 0xffU >> kept;
        bytes[i] = static_cast<std::uint8_t>(ones ? bytes[i] | others : bytes[i] & ~others);
    }
    sg_address abi{};
    std::memcpy(&abi, bytes.data(), bytes.size());
    return IpAddress(abi);
}

}  // namespace

std::optional<IpPrefix> IpPrefix::parse(std::string_view text) {
    const auto slash = text.find('/');
    const auto address = IpAddress::parse(text.substr(0, slash));
    if (!address) return std::nullopt;
    const unsigned longest = address->is_ipv4() ? 32 : 128;
    unsigned length = longest;
    if (slash != std::string_view::npos) {
        const auto digits = text.substr(slash + 1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), length);
        if (error != std::errc() || end != digits.data() + digits.size() || length > longest) return std::nullopt;
    }
    const auto prefix = around(*address, length);
    if (prefix.address_ != *address) return std::nullopt;
    return prefix;
}

IpPrefix IpPrefix::around(const IpAddress& address, unsigned length) {
    IpPrefix prefix;
    prefix.bits_ = length + (address.is_ipv4() ? kMappedBits : 0);
    prefix.address_ = masked(address, prefix.bits_);
    return prefix;
}

IpAddress IpPrefix::last() const {
    return masked(address_, bits_, true);
}

unsigned IpPrefix::length() const {
    return address_.is_ipv4() ? bits_ - kMappedBits : bits_;
}

bool IpPrefix::contains(const IpAddress& address) const {
    return address.is_ipv4() == address_.is_ipv4() && masked(address, bits_) == address_;
}

std::string IpPrefix::to_string() const {
    return address_.to_string() + "/" + std::to_string(length());
}

}  // namespace slipgate
