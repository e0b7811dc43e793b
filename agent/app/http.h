// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "agent/base/address.h"
#include "agent/base/result.h"

struct mg_context;

namespace slipgate {

struct HttpResponse {
    int status = 200;
    std::string body;
    std::string content_type = "text/plain; charset=utf-8";
};

// A small HTTP/1.1 server for operators: GET and HEAD, everything else is answered here (405).
class HttpServer {
  public:
    // Called on the server's own threads, two at a time.
    using Handler = std::function<HttpResponse(std::string_view path)>;

    // Listens at once; the error names the address. Port 0: the kernel chooses, see address().
    [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(const SocketAddress& address, Handler handler);

    ~HttpServer();  // waits for requests at work
    HttpServer(const HttpServer&) = delete;
    HttpServer& operator=(const HttpServer&) = delete;

    [[nodiscard]] SocketAddress address() const;

  private:
    HttpServer(SocketAddress address, Handler handler) : address_(address), handler_(std::move(handler)) {}
    struct Callbacks;

    const std::thread::id starter_ = std::this_thread::get_id();

    SocketAddress address_;
    Handler handler_;
    std::string first_message_;  // of the library while it starts: why it could not
    mg_context* context_ = nullptr;
};

}  // namespace slipgate
