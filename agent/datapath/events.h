// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "agent/base/address.h"

namespace slipgate {

// How one connection ended, or why it was refused: a line of the access log.
struct ConnectionEvent {
    enum class Kind { kClosed, kRefused };

    Kind kind = Kind::kClosed;
    std::chrono::system_clock::time_point time;
    SocketAddress client;
    SocketAddress vip;
    std::string sni;                        // as sent; foreign bytes, escape before printing. Empty: none, or forgotten
    std::string route;                      // "namespace/name"; empty: none was chosen
    std::optional<SocketAddress> endpoint;  // none: refused before one was chosen
    std::optional<SocketAddress> source;    // our address and port towards the endpoint
    std::uint64_t bytes_up = 0;             // TCP payload, client to endpoint, retransmissions included
    std::uint64_t bytes_down = 0;
    std::chrono::duration<double> duration{};
    std::string_view reason;  // enum sg_close_reason ("fin", "client_rst", ...) or a refusal of counters.h
};

}  // namespace slipgate
