// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include "agent/app/event_loop.h"
#include "agent/app/http.h"

namespace slipgate {

// What the HTTP endpoints ask; called on the loop's thread only.
struct AdminView {
    std::function<std::string()> metrics;
    std::function<Status()> ready;  // the error says what is missing
};

// The pages /metrics, /healthz, /readyz and / (which names them). Every answer comes from the loop's thread, so that
// /healthz says what it seems to say: a loop that does not take its turn within `patience` is 503.
[[nodiscard]] HttpServer::Handler make_admin_handler(EventLoop& loop, AdminView view,
                                                     std::chrono::milliseconds patience = std::chrono::seconds(2));

}  // namespace slipgate
