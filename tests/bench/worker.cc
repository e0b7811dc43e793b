// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/worker.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "tests/bench/protocol.h"

namespace slipgate::bench {

namespace {

constexpr int kTickMs = 20;                 // how soon a worker notices the end
constexpr std::size_t kOpeningAtOnce = 64;  // idle connections are opened no faster than the server accepts
constexpr std::chrono::seconds kStalledAfter{1};

}  // namespace

Worker::Worker(const LoadOptions& options, Shared& shared, int first, int connections)
    : options_(options),
      shared_(shared),
      epoll_(epoll_create1(EPOLL_CLOEXEC)),
      next_target_(static_cast<std::size_t>(first)),
      clients_(static_cast<std::size_t>(connections)),
      buffer_(kBulkChunk) {
    tally_.latency_us.reserve(1 << 18);
}

Worker::~Worker() {
    for (const Client& client : clients_)
        if (client.fd >= 0) close(client.fd);
    close(epoll_);
}

void Worker::run() {
    const std::size_t at_once = options_.mode == Mode::kIdle ? kOpeningAtOnce : clients_.size();
    while (opened_ < std::min(at_once, clients_.size())) open(clients_[opened_++]);
    std::array<epoll_event, 256> events;
    while (!shared_.stop.load(std::memory_order_relaxed)) {
        const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), kTickMs);
        for (int i = 0; i < count; ++i) {
            const epoll_event& event = events[static_cast<std::size_t>(i)];
            handle(*static_cast<Client*>(event.data.ptr), event.events);
        }
    }
    for (const Client& client : clients_)
        if (client.fd >= 0 && client.state != State::kIdle && Clock::now() - client.progress > kStalledAfter)
            ++tally_.stalled;
}

void Worker::open(Client& client) {
    const Address& target = options_.targets[next_target_++ % options_.targets.size()];
    client.state = State::kConnecting;
    client.started = client.progress = Clock::now();
    client.fd = tcp_socket(target);
    if (client.fd < 0 || (connect(client.fd, target.get(), target.length) != 0 && errno != EINPROGRESS)) {
        ++tally_.errors;
        return;  // no local port or descriptor: trying again at once would only spin
    }
    epoll_event event{.events = EPOLLOUT, .data = {.ptr = &client}};
    epoll_ctl(epoll_, EPOLL_CTL_ADD, client.fd, &event);
}

void Worker::reopen_after_error(Client& client) {
    ++tally_.errors;
    close(client.fd);
    open(client);
}

void Worker::handle(Client& client, std::uint32_t events) {
    if (client.state == State::kConnecting) return finish_connect(client);
    if (client.state == State::kUpload && (events & EPOLLOUT) != 0) return upload(client);
    receive(client);
}

void Worker::finish_connect(Client& client) {
    if (send(client.fd, options_.hello.data(), options_.hello.size(), MSG_NOSIGNAL) !=
        static_cast<ssize_t>(options_.hello.size()))
        return reopen_after_error(client);
    client.state = State::kHello;
    client.awaited = kFlightSize;
    client.progress = Clock::now();
    want(client, EPOLLIN);
}

void Worker::receive(Client& client) {
    const std::size_t room = client.state == State::kDownload ? buffer_.size() : client.awaited;
    const ssize_t received = recv(client.fd, buffer_.data(), std::max<std::size_t>(room, 1), 0);
    if (received < 0 && errno == EAGAIN) return;
    if (received <= 0) return reopen_after_error(client);
    client.progress = Clock::now();
    if (client.state == State::kDownload) {
        if (shared_.measuring.load(std::memory_order_relaxed)) tally_.bytes += static_cast<std::uint64_t>(received);
        return;
    }
    client.awaited -= std::min(client.awaited, static_cast<std::size_t>(received));
    if (client.awaited == 0) answered(client);
}

void Worker::answered(Client& client) {
    if (client.state == State::kHello) return begin_work(client);
    record(client);
    if (options_.mode == Mode::kConnect) {
        close(client.fd);
        open(client);
    } else {
        client.started = Clock::now();
        send_request(client, static_cast<unsigned char>(Request::kEcho));
    }
}

void Worker::begin_work(Client& client) {
    shared_.established.fetch_add(1, std::memory_order_relaxed);
    switch (options_.mode) {
        case Mode::kRequest:
            client.started = Clock::now();
            [[fallthrough]];
        case Mode::kConnect:
            client.state = State::kReply;
            return send_request(client, static_cast<unsigned char>(Request::kEcho));
        case Mode::kDownload:
            client.state = State::kDownload;
            return send_request(client, static_cast<unsigned char>(Request::kDownload));
        case Mode::kUpload:
            client.state = State::kUpload;
            send_request(client, static_cast<unsigned char>(Request::kUpload));
            return want(client, EPOLLIN | EPOLLOUT);
        case Mode::kIdle:
            client.state = State::kIdle;
            if (opened_ < clients_.size()) open(clients_[opened_++]);
            return;
    }
}

void Worker::send_request(Client& client, unsigned char request) {
    std::array<unsigned char, kRequestSize> bytes{};
    bytes[0] = request;
    client.awaited = kReplySize;
    if (send(client.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(bytes.size()))
        reopen_after_error(client);
}

void Worker::upload(Client& client) {
    const ssize_t sent = send(client.fd, buffer_.data(), buffer_.size(), MSG_NOSIGNAL);
    if (sent < 0) return errno == EAGAIN ? void() : reopen_after_error(client);
    client.progress = Clock::now();
    if (shared_.measuring.load(std::memory_order_relaxed)) tally_.bytes += static_cast<std::uint64_t>(sent);
}

void Worker::record(const Client& client) {
    if (!shared_.measuring.load(std::memory_order_relaxed)) return;
    ++tally_.operations;
    const auto elapsed = std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - client.started);
    tally_.latency_us.push_back(static_cast<std::uint32_t>(elapsed.count()));
}

void Worker::want(const Client& client, std::uint32_t events) const {
    epoll_event event{.events = events, .data = {.ptr = const_cast<Client*>(&client)}};
    epoll_ctl(epoll_, EPOLL_CTL_MOD, client.fd, &event);
}

}  // namespace slipgate::bench
