// SPDX-License-Identifier: Apache-2.0
// Addresses from text that the test knows to be one.
#pragma once

#include <cstdint>
#include <string_view>

#include "agent/base/address.h"

namespace slipgate::test {

inline IpAddress ip(std::string_view text) {
    return IpAddress::parse(text).value();
}

inline SocketAddress at(std::string_view address, std::uint16_t port) {
    return {ip(address), port};
}

}  // namespace slipgate::test
