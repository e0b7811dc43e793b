// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/protocol.h"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace slipgate::bench {

namespace {

void put16(std::vector<unsigned char>& out, std::size_t value) {
    out.push_back(static_cast<unsigned char>(value >> 8));
    out.push_back(static_cast<unsigned char>(value));
}

void patch16(std::vector<unsigned char>& out, std::size_t at, std::size_t value) {
    out[at] = static_cast<unsigned char>(value >> 8);
    out[at + 1] = static_cast<unsigned char>(value);
}

}  // namespace

std::vector<unsigned char> client_hello(std::string_view sni, std::size_t size) {
    std::vector<unsigned char> out = {0x16, 3, 1, 0, 0, 1, 0, 0, 0, 3, 3};  // record, handshake, legacy_version
    out.insert(out.end(), 32, 0x5a);                                        // random
    out.push_back(32);
    out.insert(out.end(), 32, 0xa5);  // legacy_session_id
    put16(out, 2);
    put16(out, 0x1301);  // TLS_AES_128_GCM_SHA256
    out.insert(out.end(), {1, 0});
    const std::size_t extensions = out.size();
    put16(out, 0);
    put16(out, 0);  // server_name
    put16(out, sni.size() + 5);
    put16(out, sni.size() + 3);
    out.push_back(0);
    put16(out, sni.size());
    out.insert(out.end(), sni.begin(), sni.end());
    const std::size_t padding = std::max(size, out.size() + 4) - out.size() - 4;
    put16(out, 21);
    put16(out, padding);
    out.insert(out.end(), padding, 0);
    patch16(out, extensions, out.size() - extensions - 2);
    patch16(out, 7, out.size() - 9);  // 24 bits, the highest eight are 0
    patch16(out, 3, out.size() - 5);
    return out;
}

Address parse_address(const std::string& text) {
    const std::size_t colon = text.rfind(':');
    std::string host = text.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
    addrinfo hints{}, *found = nullptr;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    hints.ai_socktype = SOCK_STREAM;
    if (colon == std::string::npos || getaddrinfo(host.c_str(), text.c_str() + colon + 1, &hints, &found) != 0) {
        std::fprintf(stderr, "not ADDRESS:PORT: %s\n", text.c_str());
        std::exit(2);
    }
    Address address{{}, found->ai_addrlen};
    std::memcpy(&address.storage, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    return address;
}

int tcp_socket(const Address& address) {
    const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

}  // namespace slipgate::bench
