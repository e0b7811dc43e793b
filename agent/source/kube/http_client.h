// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "agent/base/timer.h"
#include "agent/source/kube/access.h"

namespace slipgate::kube {

inline constexpr const char* kMergePatch = "application/merge-patch+json";  // RFC 7396

struct HttpRequest {
    std::string path;
    std::vector<std::pair<std::string, std::string>> query = {};
    const char* method = "GET";
    std::string accept = "application/json";
    std::string content_type = {};   // of the body
    std::string body = {};           // of a request that has one: POST, PATCH
    bool on_new_connection = false;  // those that are open may be dead
};

struct HttpResponse {
    std::string error;  // of the connection; empty: the answer is complete
    int status = 0;     // 0: none
    std::optional<std::chrono::seconds> retry_after;
    std::string body;  // of an answer that is no success, at most 64 KiB; of a success, if there is no on_data
};

struct HttpHandler {
    std::function<void(std::string)> on_data;              // a part of the body of a success; none: on_response has it
    std::function<void(const HttpResponse&)> on_response;  // the last call
};

// Requests to one API server, all at the same time on one connection with HTTP/2, on several with HTTP/1.1. Never
// blocks. Handlers are called by run() only; they may start and cancel requests.
class HttpClient {
  public:
    using Id = std::uint64_t;

    [[nodiscard]] static Result<std::unique_ptr<HttpClient>> create(Access access);
    ~HttpClient();
    HttpClient(const HttpClient&) = delete;
    HttpClient& operator=(const HttpClient&) = delete;

    [[nodiscard]] Id start(const HttpRequest& request, HttpHandler handler);
    void cancel(Id id);                     // its handler is not called again
    [[nodiscard]] int status(Id id) const;  // of the answer to an open request; 0: it has not begun

    // Closes all connections; each request ends with this error.
    void drop_connections(const std::string& error);

    // Level-triggered: readable when run() has something to do.
    [[nodiscard]] int fd() const { return epoll_.get(); }
    void run();

  private:
    struct Transfer;
    struct Multi;
    struct Callbacks;

    HttpClient(Access access, Fd epoll, Timer timer);
    void admit();
    void deliver();

    Access access_;
    Fd epoll_;     // the library's sockets, and the timer
    Timer timer_;  // when the library wants to be called
    Id last_id_ = 0;
    std::unique_ptr<Multi> multi_;
    std::map<Id, std::unique_ptr<Transfer>> transfers_;  // goes before multi_
    bool works_ = false;                                 // an answer has begun since the last failure
    std::optional<Id> scout_;                            // the one transfer that is under way until then
    std::deque<Id> waiting_;                             // for the scout's answer
};

}  // namespace slipgate::kube
