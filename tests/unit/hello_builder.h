// SPDX-License-Identifier: Apache-2.0
// A ClientHello in its parts, each of which a test may spoil: RFC 8446 4.1.2.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/unit/hello_parse.h"

namespace slipgate {

Bytes operator+(Bytes left, const Bytes& right);
Bytes u8(std::size_t value);
Bytes u16(std::size_t value);
Bytes u24(std::size_t value);
Bytes text(const std::string& characters);

// extension_type and extension_data
using Extension = std::pair<std::uint16_t, Bytes>;

Extension server_name(const std::string& name);

struct HelloParts {
    Bytes session_id = Bytes(32, 0x11);
    Bytes ciphers{0x13, 0x01, 0x13, 0x02};
    Bytes compressions{0};
    std::optional<std::vector<Extension>> extensions = std::vector<Extension>{};  // none: not even their length

    // Added to the true value of a length field.
    int session_error = 0, ciphers_error = 0, compressions_error = 0, extensions_error = 0, handshake_error = 0,
        record_error = 0;

    [[nodiscard]] Bytes handshake() const;  // without record header
    [[nodiscard]] Bytes record() const;
};

// TLSPlaintext of type handshake around the fragment.
Bytes handshake_record(const Bytes& fragment, int length_error = 0);

// What a browser's hello looks like: GREASE (RFC 8701) first, in the middle and last, and the usual extensions.
std::vector<Extension> browser_extensions(const std::string& name);

}  // namespace slipgate
