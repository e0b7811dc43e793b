// SPDX-License-Identifier: Apache-2.0
// What bench_load and bench_server say to each other: TCP that looks like TLS to a gateway and costs the ends next to
// nothing, so that the gateway's own cost is not hidden behind cryptography.
//   client: a ClientHello with SNI      server: kFlightSize bytes (the place of ServerHello .. Finished)
//   client: kRequestSize bytes          server: by the request's first byte, one of Request
#pragma once

#include <sys/socket.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace slipgate::bench {

inline constexpr std::size_t kFlightSize = 1024;
inline constexpr std::size_t kRequestSize = 64;
inline constexpr std::size_t kReplySize = 256;
inline constexpr std::size_t kBulkChunk = std::size_t{256} * 1024;

enum class Request : unsigned char {
    kEcho = 'e',      // kReplySize bytes, then the next request
    kDownload = 'd',  // bytes until the client closes
    kUpload = 'u',    // reads until the client closes
};

// One TLS record with a ClientHello (RFC 8446 4.1.2) whose only extensions are server_name and padding (RFC 7685).
// `size` is the length of the record with its header; at least what the name needs is used.
std::vector<unsigned char> client_hello(std::string_view sni, std::size_t size);

struct Address {
    sockaddr_storage storage;
    socklen_t length;

    [[nodiscard]] const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

// Parses "192.0.2.1:443" or "[2001:db8::1]:443". Exits with a message if it is neither: both programs are run by
// scripts/bench alone.
Address parse_address(const std::string& text);

// A non-blocking TCP socket of the address's family, without Nagle's delay.
int tcp_socket(const Address& address);

}  // namespace slipgate::bench
