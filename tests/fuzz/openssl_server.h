// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace slipgate {

// What OpenSSL's server makes of the first bytes of a connection.
struct OpensslReading {
    bool parsed = false;            // took the ClientHello apart without an objection
    bool has_server_name = false;   // parsed, and there is an extension server_name
    bool has_empty_vector = false;  // parsed, but cipher suites or compression methods are empty or odd, judged later
    std::string server_name;        // as it would choose a certificate by; empty: none, or it did not come so far
};

OpensslReading openssl_read_hello(const std::uint8_t* data, std::size_t size);

}  // namespace slipgate
