// SPDX-License-Identifier: Apache-2.0
#include "agent/app/admin.h"

#include <future>
#include <memory>

namespace slipgate {
namespace {

constexpr const char* kPrometheusText = "text/plain; version=0.0.4; charset=utf-8";
constexpr const char* kIndex =
    "slipgated\n"
    "  /metrics  for Prometheus\n"
    "  /healthz  200: the agent is alive\n"
    "  /readyz   200: a configuration of this agent has reached the data path\n";

// Runs `page` on the loop's thread and waits for it.
HttpResponse ask(EventLoop& loop, std::function<HttpResponse()> page, std::chrono::milliseconds patience) {
    // Shared: a page that comes too late still has somewhere to go.
    auto task = std::make_shared<std::packaged_task<HttpResponse()>>(std::move(page));
    auto answer = task->get_future();
    loop.post([task] { (*task)(); });
    task.reset();  // if the loop drops it, the promise breaks at once
    if (answer.wait_for(patience) != std::future_status::ready) return {503, "the agent's main loop does not answer\n"};
    try {
        return answer.get();
    } catch (const std::future_error&) {
        return {503, "the agent is shutting down\n"};
    }
}

HttpResponse readiness(const Status& status) {
    return status ? HttpResponse{200, "ready\n"} : HttpResponse{503, "not ready: " + status.error().message + "\n"};
}

}  // namespace

HttpServer::Handler make_admin_handler(EventLoop& loop, AdminView asked, std::chrono::milliseconds patience) {
    // Shared with the tasks: one that comes late may outlive the server.
    const auto view = std::make_shared<const AdminView>(std::move(asked));
    return [&loop, view, patience](std::string_view path) -> HttpResponse {
        if (path == "/metrics") {
            return ask(loop, [view] { return HttpResponse{200, view->metrics(), kPrometheusText}; }, patience);
        }
        if (path == "/healthz") return ask(loop, [] { return HttpResponse{200, "ok\n"}; }, patience);
        if (path == "/readyz") return ask(loop, [view] { return readiness(view->ready()); }, patience);
        if (path == "/") return {200, kIndex};
        return {404, "no such page; / names those there are\n"};
    };
}

}  // namespace slipgate
