// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "agent/base/address.h"

namespace slipgate {

// The addresses whose first bits are those of one address: "10.1.0.0/16", "2001:db8::/32".
class IpPrefix {
  public:
    // ADDRESS/LENGTH, or an address alone for itself. None if it is not that, or if bits after the prefix are set.
    static std::optional<IpPrefix> parse(std::string_view text);

    // The network of that many bits, of the 32 or 128 of its family, that the address lies in.
    static IpPrefix around(const IpAddress& address, unsigned length);

    [[nodiscard]] const IpAddress& first() const { return address_; }
    [[nodiscard]] IpAddress last() const;
    [[nodiscard]] unsigned length() const;  // as written: of the 32 or 128 bits of the family

    // Never across the families.
    [[nodiscard]] bool contains(const IpAddress& address) const;
    [[nodiscard]] std::string to_string() const;

    auto operator<=>(const IpPrefix&) const = default;

  private:
    IpAddress address_;
    unsigned bits_ = 0;  // of the 128, IPv4's first 96 included
};

}  // namespace slipgate
