// SPDX-License-Identifier: Apache-2.0
#include "agent/base/ip_prefix.h"

#include <charconv>
#include <cstring>

namespace slipgate {
namespace {

constexpr unsigned kMappedBits = 96;  // in front of an IPv4 address

// The first `bits` of the address, the others zero.
IpAddress masked(const IpAddress& address, unsigned bits) {
    auto bytes = address.bytes();
    for (unsigned i = 0; i < bytes.size(); ++i) {
        const unsigned kept = bits <= i * 8 ? 0 : bits - i * 8;
        if (kept < 8) bytes[i] = static_cast<std::uint8_t>(bytes[i] & ~(0xffU >> kept));
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
    IpPrefix prefix;
    prefix.address_ = *address;
    prefix.bits_ = length + (address->is_ipv4() ? kMappedBits : 0);
    if (masked(*address, prefix.bits_) != *address) return std::nullopt;
    return prefix;
}

bool IpPrefix::contains(const IpAddress& address) const {
    return address.is_ipv4() == address_.is_ipv4() && masked(address, bits_) == address_;
}

std::string IpPrefix::to_string() const {
    return address_.to_string() + "/" + std::to_string(address_.is_ipv4() ? bits_ - kMappedBits : bits_);
}

}  // namespace slipgate
