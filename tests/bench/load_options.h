// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "tests/bench/protocol.h"

namespace slipgate::bench {

enum class Mode {
    kConnect,   // connect, hello, request, close, again: connections per second
    kRequest,   // requests one after the other on open connections
    kDownload,  // bytes from the server as fast as they come
    kUpload,    // bytes to the server as fast as they go
    kIdle,      // connections that have said hello and then nothing
};

struct LoadOptions {
    Mode mode = Mode::kConnect;
    std::vector<Address> targets;  // taken in turn
    std::vector<unsigned char> hello;
    int connections = 1;
    int threads = 2;
    double warm_up = 0.2;  // seconds before the measured window
    double seconds = 1.5;
};

}  // namespace slipgate::bench
