// SPDX-License-Identifier: Apache-2.0
#include "agent/source/kube/http_client.h"

#include <curl/curl.h>
#include <fmt/format.h>
#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <new>

namespace slipgate::kube {
namespace {

constexpr std::size_t kLongestRefusal = 64U << 10U;
constexpr std::chrono::seconds kConnectTimeout{10};

template <auto kFree>
struct Free {
    template <typename T>
    void operator()(T* handle) const {
        kFree(handle);
    }
};

using Easy = std::unique_ptr<CURL, Free<curl_easy_cleanup>>;
using Headers = std::unique_ptr<curl_slist, Free<curl_slist_free_all>>;

// The library's setters are variadic and fail on programming errors and lack of memory only.
template <typename T>
void set(CURL* easy, CURLoption option, T value) {
    if (curl_easy_setopt(easy, option, value) != CURLE_OK) throw std::bad_alloc();
}

// Copied by the library.
void set_blob(CURL* easy, CURLoption option, std::string& text) {
    if (text.empty()) return;
    curl_blob blob{text.data(), text.size(), CURL_BLOB_COPY};
    set(easy, option, &blob);
}

std::string url_of(CURL* easy, const std::string& server, const HttpRequest& request) {
    std::string url = server + request.path;
    char separator = '?';
    for (const auto& [key, value] : request.query) {
        const std::unique_ptr<char, Free<curl_free>> escaped(
            curl_easy_escape(easy, value.data(), static_cast<int>(value.size())));
        if (!escaped) throw std::bad_alloc();
        url += fmt::format("{}{}={}", std::exchange(separator, '&'), key, escaped.get());
    }
    return url;
}

int status_of(CURL* easy) {
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    return static_cast<int>(status);
}

}  // namespace

struct HttpClient::Transfer {
    Transfer(CURLM* m, Id i, HttpHandler h) : multi(m), id(i), handler(std::move(h)) {}
    ~Transfer() { remove(); }
    Transfer(const Transfer&) = delete;
    Transfer& operator=(const Transfer&) = delete;

    void prepare(const Access& access, const HttpRequest& request);
    void add() {
        added = curl_multi_add_handle(multi, easy.get()) == CURLM_OK;
        if (!added) throw std::bad_alloc();
    }
    void remove() {
        if (std::exchange(added, false)) curl_multi_remove_handle(multi, easy.get());
    }

    CURLM* multi;
    Id id;
    HttpHandler handler;
    Headers headers;  // goes after easy, which uses it
    Easy easy{curl_easy_init()};
    bool added = false;
    std::array<char, CURL_ERROR_SIZE> error{};
    std::string received;  // of the body; not delivered yet
    HttpResponse response;
    bool complete = false;
};

// What the library calls. None of these may call back into it, so they only write down what happened.
struct HttpClient::Callbacks {
    static std::size_t on_data(char* data, std::size_t /*one*/, std::size_t size, void* user) {
        auto& transfer = *static_cast<Transfer*>(user);
        const bool is_success = status_of(transfer.easy.get()) / 100 == 2;
        if (is_success)
            transfer.received.append(data, size);
        else if (transfer.response.body.size() + size <= kLongestRefusal)
            transfer.response.body.append(data, size);
        return size;
    }

    static int on_socket(CURL* /*easy*/, curl_socket_t fd, int what, void* user, void* /*of_socket*/) {
        const auto& client = *static_cast<HttpClient*>(user);
        if (what == CURL_POLL_REMOVE) {
            ::epoll_ctl(client.epoll_.get(), EPOLL_CTL_DEL, fd, nullptr);
            return 0;
        }
        epoll_event event{};
        if (what & CURL_POLL_IN) event.events |= EPOLLIN;
        if (what & CURL_POLL_OUT) event.events |= EPOLLOUT;
        event.data.fd = fd;
        if (::epoll_ctl(client.epoll_.get(), EPOLL_CTL_MOD, fd, &event) == 0) return 0;
        return ::epoll_ctl(client.epoll_.get(), EPOLL_CTL_ADD, fd, &event) == 0 ? 0 : -1;
    }

    // -1: no timer is needed. One that is set already does no harm.
    static int on_timer(CURLM* /*multi*/, long delay_ms, void* user) {
        if (delay_ms >= 0) static_cast<HttpClient*>(user)->timer_.start(std::chrono::milliseconds(delay_ms));
        return 0;
    }
};

// Its connections, and the transfers on them.
struct HttpClient::Multi {
    explicit Multi(HttpClient* client) {
        auto* const m = handle.get();
        if (m == nullptr) throw std::bad_alloc();
        curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, Callbacks::on_socket);
        curl_multi_setopt(m, CURLMOPT_SOCKETDATA, client);
        curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, Callbacks::on_timer);
        curl_multi_setopt(m, CURLMOPT_TIMERDATA, client);
    }

    std::unique_ptr<CURLM, Free<curl_multi_cleanup>> handle{curl_multi_init()};
};

void HttpClient::Transfer::prepare(const Access& access, const HttpRequest& request) {
    auto credentials = read_credentials(access);
    if (!credentials) {
        response.error = credentials.error().message;
        complete = true;
        return;
    }
    auto* const e = easy.get();
    const auto add_header = [&](const std::string& line) {
        auto* const list = headers.release();
        headers.reset(curl_slist_append(list, line.c_str()));
        if (!headers) throw std::bad_alloc();
    };
    add_header("Accept: " + request.accept);
    if (!request.body.empty()) {
        add_header("Content-Type: " + request.content_type);
        add_header("Expect:");  // a large body needs no leave to be sent
        set(e, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
        set(e, CURLOPT_COPYPOSTFIELDS, request.body.data());
    }
    set(e, CURLOPT_CUSTOMREQUEST, request.method);
    if (!credentials->token.empty()) add_header("Authorization: Bearer " + credentials->token);
    set(e, CURLOPT_HTTPHEADER, headers.get());
    set(e, CURLOPT_URL, url_of(e, access.server, request).c_str());
    set(e, CURLOPT_PROTOCOLS_STR, "http,https");
    set(e, CURLOPT_PROXY, "");  // none, whatever the environment says
    set(e, CURLOPT_USERAGENT, "slipgated");
    set(e, CURLOPT_NOSIGNAL, 1L);
    set(e, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
    set(e, CURLOPT_CONNECTTIMEOUT, static_cast<long>(kConnectTimeout.count()));
    set(e, CURLOPT_TCP_KEEPALIVE, 1L);
    set(e, CURLOPT_FRESH_CONNECT, request.on_new_connection ? 1L : 0L);
    // In place of the system's certificates: the library would look into their folder as well.
    if (!credentials->ca.empty()) set(e, CURLOPT_CAPATH, static_cast<const char*>(nullptr));
    set_blob(e, CURLOPT_CAINFO_BLOB, credentials->ca);
    set_blob(e, CURLOPT_SSLCERT_BLOB, credentials->client_certificate);
    set_blob(e, CURLOPT_SSLKEY_BLOB, credentials->client_key);
    set(e, CURLOPT_ERRORBUFFER, error.data());
    set(e, CURLOPT_WRITEFUNCTION, Callbacks::on_data);
    set(e, CURLOPT_WRITEDATA, this);
    set(e, CURLOPT_PRIVATE, this);
}

Result<std::unique_ptr<HttpClient>> HttpClient::create(Access access) {
    if (auto credentials = read_credentials(access); !credentials) return tl::unexpected(credentials.error());
    Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) return fail_errno("epoll_create1", errno);
    auto timer = Timer::create();
    if (!timer) return tl::unexpected(timer.error());
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = timer->fd();
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, timer->fd(), &event) != 0) return fail_errno("epoll_ctl", errno);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) return fail("libcurl cannot be initialised");
    return std::unique_ptr<HttpClient>(new HttpClient(std::move(access), std::move(epoll), *std::move(timer)));
}

HttpClient::HttpClient(Access access, Fd epoll, Timer timer)
    : access_(std::move(access)),
      epoll_(std::move(epoll)),
      timer_(std::move(timer)),
      multi_(std::make_unique<Multi>(this)) {}

HttpClient::~HttpClient() = default;

HttpClient::Id HttpClient::start(const HttpRequest& request, HttpHandler handler) {
    const auto id = ++last_id_;
    auto transfer = std::make_unique<Transfer>(multi_->handle.get(), id, std::move(handler));
    if (!transfer->easy) throw std::bad_alloc();
    transfer->prepare(access_, request);
    if (transfer->complete)
        timer_.start({});  // to be told by run()
    else if (request.on_new_connection)
        transfer->add();  // it shares none, so it needs not know whether the others can
    else
        waiting_.push_back(id);
    transfers_.emplace(id, std::move(transfer));
    admit();
    return id;
}

void HttpClient::cancel(Id id) {
    transfers_.erase(id);
    admit();
}

int HttpClient::status(Id id) const {
    const auto found = transfers_.find(id);
    return found == transfers_.end() ? 0 : status_of(found->second->easy.get());
}

// Whether requests can share a connection is known when the first answer begins: until then one goes alone, or each
// would open its own. (CURLOPT_PIPEWAIT is for that, but libcurl 7.88 forgets some of those that wait when a connection
// fails.)
void HttpClient::admit() {
    if (scout_) {
        const auto found = transfers_.find(*scout_);
        const bool is_known = found != transfers_.end();
        works_ = is_known && status_of(found->second->easy.get()) != 0 && found->second->response.error.empty();
        if (works_ || !is_known || found->second->complete) scout_.reset();
    }
    while (!waiting_.empty() && !scout_) {
        const auto id = waiting_.front();
        waiting_.pop_front();
        const auto found = transfers_.find(id);
        if (found == transfers_.end()) continue;
        found->second->add();
        if (!works_) scout_ = id;
    }
}

void HttpClient::drop_connections(const std::string& error) {
    for (const auto& [id, transfer] : transfers_) {
        transfer->remove();
        if (std::exchange(transfer->complete, true)) continue;
        transfer->response.status = status_of(transfer->easy.get());
        transfer->response.error = error;
    }
    multi_ = std::make_unique<Multi>(this);
    works_ = false;
    scout_.reset();
    waiting_.clear();
    timer_.start({});  // run() tells
}

void HttpClient::run() {
    auto* const multi = multi_->handle.get();
    int running = 0;
    std::array<epoll_event, 16> events;
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), 0);
    for (int i = 0; i < count; i++) {
        const auto& event = events.at(static_cast<std::size_t>(i));
        if (event.data.fd == timer_.fd()) {
            timer_.acknowledge();
            curl_multi_socket_action(multi, CURL_SOCKET_TIMEOUT, 0, &running);
            continue;
        }
        int what = 0;
        if (event.events & EPOLLIN) what |= CURL_CSELECT_IN;
        if (event.events & EPOLLOUT) what |= CURL_CSELECT_OUT;
        if (event.events & (EPOLLERR | EPOLLHUP)) what |= CURL_CSELECT_ERR;
        curl_multi_socket_action(multi, event.data.fd, what, &running);
    }
    int left = 0;
    while (const auto* message = curl_multi_info_read(multi, &left)) {
        if (message->msg != CURLMSG_DONE) continue;
        void* user = nullptr;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &user);
        auto& transfer = *static_cast<Transfer*>(user);
        auto& response = transfer.response;
        transfer.complete = true;
        response.status = status_of(transfer.easy.get());
        curl_off_t retry_after = 0;
        curl_easy_getinfo(transfer.easy.get(), CURLINFO_RETRY_AFTER, &retry_after);
        if (retry_after > 0) response.retry_after = std::chrono::seconds(retry_after);
        if (const auto code = message->data.result; code != CURLE_OK) {
            response.error = transfer.error[0] != '\0' ? transfer.error.data() : curl_easy_strerror(code);
            works_ = false;
        }
    }
    admit();
    deliver();
}

// Handlers may cancel any transfer, and start others.
void HttpClient::deliver() {
    std::vector<Id> ids;
    for (const auto& [id, transfer] : transfers_) {
        const bool has_data = !transfer->received.empty() && transfer->handler.on_data;
        if (transfer->complete || has_data) ids.push_back(id);
    }
    for (const auto id : ids) {
        if (const auto found = transfers_.find(id); found != transfers_.end() && !found->second->received.empty()) {
            // The handler may end its own transfer.
            if (const auto on_data = found->second->handler.on_data)
                on_data(std::exchange(found->second->received, {}));
            else
                found->second->response.body = std::exchange(found->second->received, {});
        }
        if (const auto found = transfers_.find(id); found != transfers_.end() && found->second->complete) {
            const auto transfer = std::move(found->second);
            transfers_.erase(found);
            transfer->remove();  // the handler may drop the connections
            transfer->handler.on_response(transfer->response);
        }
    }
}

}  // namespace slipgate::kube
