// SPDX-License-Identifier: Apache-2.0
#include "tests/unit/hello_builder.h"

namespace slipgate {

Bytes operator+(Bytes left, const Bytes& right) {
    left.insert(left.end(), right.begin(), right.end());
    return left;
}

Bytes u8(std::size_t value) {
    return {static_cast<std::uint8_t>(value)};
}

Bytes u16(std::size_t value) {
    return u8(value >> 8) + u8(value);
}

Bytes u24(std::size_t value) {
    return u8(value >> 16) + u16(value);
}

Bytes text(const std::string& characters) {
    return {characters.begin(), characters.end()};
}

Extension server_name(const std::string& name) {
    return {0, u16(name.size() + 3) + u8(0) + u16(name.size()) + text(name)};
}

Bytes handshake_record(const Bytes& fragment, int length_error) {
    return Bytes{22, 3, 1} + u16(fragment.size() + length_error) + fragment;
}

Bytes HelloParts::handshake() const {
    Bytes body = Bytes{3, 3} + Bytes(32, 0x77) + u8(session_id.size() + session_error) + session_id +
                 u16(ciphers.size() + ciphers_error) + ciphers + u8(compressions.size() + compressions_error) +
                 compressions;
    if (extensions) {
        Bytes block;
        for (const auto& [type, data] : *extensions) block = block + u16(type) + u16(data.size()) + data;
        body = body + u16(block.size() + extensions_error) + block;
    }
    return u8(1) + u24(body.size() + handshake_error) + body;
}

Bytes HelloParts::record() const {
    return handshake_record(handshake(), record_error);
}

std::vector<Extension> browser_extensions(const std::string& name) {
    return {
        {0x2a2a, {}},                                          // GREASE
        server_name(name),                                     //
        {0x0017, {}},                                          // extended_master_secret
        {0xff01, {0}},                                         // renegotiation_info
        {0x000a, {0, 6, 0x8a, 0x8a, 0x11, 0xec, 0x00, 0x1d}},  // supported_groups
        {0x0010, {0, 12, 2, 'h', '2', 8, 'h', 't', 't', 'p', '/', '1', '.', '1'}},
        {0x3a3a, {0}},                                                      // GREASE
        {0x0033, u16(1220) + u16(0x11ec) + u16(1216) + Bytes(1216, 0x42)},  // key_share: X25519MLKEM768
        {0x002b, {4, 3, 4, 3, 3}},                                          // supported_versions
        {0x0015, Bytes(200, 0)},                                            // padding
        {0x4a4a, {0}},                                                      // GREASE
    };
}

}  // namespace slipgate
