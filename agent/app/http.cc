// SPDX-License-Identifier: Apache-2.0
#include "agent/app/http.h"

#include <arpa/inet.h>
#include <civetweb.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <array>
#include <cstring>
#include <future>

#include "agent/base/fd.h"
#include "agent/base/log.h"

namespace slipgate {

namespace {

// Connects and goes away.
void knock(const SocketAddress& server) {
    sockaddr_in6 to{};
    to.sin6_family = AF_INET6;
    to.sin6_port = htons(server.port);
    std::memcpy(&to.sin6_addr, server.address.bytes().data(), sizeof to.sin6_addr);
    const Fd socket(::socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    // Best effort: without it the server only takes longer to stop.
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) return;
}

}  // namespace

struct HttpServer::Callbacks {
    static int log_message(const mg_connection* connection, const char* message) {
        auto& server = *static_cast<HttpServer*>(mg_get_user_data(mg_get_context(connection)));
        // Its own threads log, too, at the same time.
        const bool is_starter = std::this_thread::get_id() == server.starter_;
        if (is_starter && server.first_message_.empty()) server.first_message_ = message;
        log::debug("http", message);
        return 1;  // handled
    }

    static int begin_request(mg_connection* connection) {
        const auto& server = *static_cast<HttpServer*>(mg_get_user_data(mg_get_context(connection)));
        const auto& request = *mg_get_request_info(connection);
        const std::string_view method = request.request_method;
        const bool head = method == "HEAD";
        const auto response = head || method == "GET" ? server.handler_(request.local_uri)
                                                      : HttpResponse{405, "only GET and HEAD are served here\n"};
        const auto text = fmt::format(
            "HTTP/1.1 {} {}\r\nContent-Type: {}\r\nContent-Length: {}\r\nCache-Control: no-store\r\n"
            "Connection: close\r\n\r\n{}",
            response.status, mg_get_response_code_text(connection, response.status), response.content_type,
            response.body.size(), head ? "" : response.body);
        mg_write(connection, text.data(), text.size());
        return response.status;  // handled
    }
};

Result<std::unique_ptr<HttpServer>> HttpServer::start(const SocketAddress& address, Handler handler) {
    std::unique_ptr<HttpServer> server(new HttpServer(address, std::move(handler)));
    mg_callbacks callbacks{};
    callbacks.log_message = Callbacks::log_message;
    callbacks.begin_request = Callbacks::begin_request;
    const std::string port = address.to_string();
    std::array<const char*, 9> options = {
        "listening_ports",   port.c_str(), "num_threads", "2", "request_timeout_ms", "5000",
        "enable_keep_alive", "no",         nullptr};
    server->context_ = mg_start(&callbacks, server.get(), options.data());
    if (!server->context_) {
        return fail(fmt::format("HTTP address {}: cannot listen: {}", port, server->first_message_));
    }
    return server;
}

// The library looks at its stop flag only every two seconds, or when somebody connects: so somebody does until it is
// gone.
HttpServer::~HttpServer() {
    if (!context_) return;
    const auto own = address();
    const auto stopped = std::async(std::launch::async, [this] { mg_stop(context_); });
    while (stopped.wait_for(std::chrono::milliseconds(5)) != std::future_status::ready) knock(own);
}

SocketAddress HttpServer::address() const {
    std::array<mg_server_port, 1> ports{};
    mg_get_server_ports(context_, static_cast<int>(ports.size()), ports.data());
    return {address_.address, static_cast<std::uint16_t>(ports[0].port)};
}

}  // namespace slipgate
