// SPDX-License-Identifier: Apache-2.0
// bench_server ADDRESS:PORT [THREADS]: the endpoint of the benchmark (protocol.h). The first thread accepts and deals
// connections out in turn, so that eight bulk streams always mean four per thread.
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#include "tests/bench/protocol.h"

namespace slipgate::bench {
namespace {

constexpr std::size_t kRecordHeaderSize = 5;
constexpr int kBacklog = 16384;

struct Connection {
    enum class Phase { kRecordHeader, kRecordBody, kRequest, kDownload, kUpload };

    Phase phase = Phase::kRecordHeader;
    std::size_t body = 0;                          // bytes of the hello still to come
    std::size_t have = 0;                          // bytes in head
    std::array<unsigned char, kRequestSize> head;  // record header, or request
};

std::size_t open_files_max() {
    rlimit limit{};
    getrlimit(RLIMIT_NOFILE, &limit);
    return limit.rlim_cur;
}

class Server {
  public:
    Server(int listener, int threads) : listener_(listener), connections_(open_files_max()) {
        for (int i = 0; i < threads; ++i) epolls_.push_back(epoll_create1(EPOLL_CLOEXEC));
        epoll_event event{.events = EPOLLIN, .data = {.fd = listener_}};
        epoll_ctl(epolls_[0], EPOLL_CTL_ADD, listener_, &event);
    }

    void serve() {
        for (std::size_t i = 1; i < epolls_.size(); ++i) std::thread([this, i] { loop(epolls_[i]); }).detach();
        loop(epolls_[0]);
    }

  private:
    [[noreturn]] void loop(int epoll) {
        std::vector<unsigned char> buffer(kBulkChunk);
        std::array<epoll_event, 256> events;
        for (;;) {
            const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < count; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                if (fd == listener_) {
                    accept_all();
                } else if (!advance(fd, epoll, buffer)) {
                    close(fd);
                }
            }
        }
    }

    void accept_all() {
        for (;;) {
            const int fd = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (fd < 0) return;
            const int on = 1;
            setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
            connection(fd) = {};
            epoll_event event{.events = EPOLLIN, .data = {.fd = fd}};
            epoll_ctl(epolls_[next_++ % epolls_.size()], EPOLL_CTL_ADD, fd, &event);
        }
    }

    // False: the connection is over.
    bool advance(int fd, int epoll, std::vector<unsigned char>& buffer) {
        const auto phase = connection(fd).phase;
        if (phase == Connection::Phase::kDownload) {
            const ssize_t sent = send(fd, buffer.data(), buffer.size(), MSG_NOSIGNAL);
            return sent > 0 || errno == EAGAIN;
        }
        const ssize_t received = recv(fd, buffer.data(), buffer.size(), 0);
        if (received <= 0) return received < 0 && errno == EAGAIN;
        if (phase == Connection::Phase::kUpload) return true;
        return consume(fd, epoll, buffer.data(), static_cast<std::size_t>(received));
    }

    bool consume(int fd, int epoll, const unsigned char* data, std::size_t size) {
        Connection& c = connection(fd);
        static const std::array<unsigned char, kFlightSize> kFlight{};
        while (size > 0 && c.phase != Connection::Phase::kUpload) {
            if (c.phase == Connection::Phase::kRecordBody) {
                const std::size_t part = std::min(size, c.body);
                data += part;
                size -= part;
                c.body -= part;
                if (c.body > 0) return true;
                c.phase = Connection::Phase::kRequest;
                if (send(fd, kFlight.data(), kFlight.size(), MSG_NOSIGNAL) < 0) return false;
                continue;
            }
            const std::size_t wanted = c.phase == Connection::Phase::kRequest ? kRequestSize : kRecordHeaderSize;
            while (size > 0 && c.have < wanted) {
                c.head[c.have++] = *data++;
                --size;
            }
            if (c.have < wanted) return true;
            c.have = 0;
            if (c.phase == Connection::Phase::kRequest) {
                if (!answer(fd, epoll)) return false;
            } else {
                c.body = static_cast<std::size_t>(c.head[3] << 8 | c.head[4]);
                c.phase = Connection::Phase::kRecordBody;
            }
        }
        return true;
    }

    bool answer(int fd, int epoll) {
        Connection& c = connection(fd);
        static const std::array<unsigned char, kReplySize> kReply{};
        switch (static_cast<Request>(c.head[0])) {
            case Request::kEcho:
                return send(fd, kReply.data(), kReply.size(), MSG_NOSIGNAL) > 0;
            case Request::kUpload:
                c.phase = Connection::Phase::kUpload;
                return true;
            case Request::kDownload: {
                c.phase = Connection::Phase::kDownload;
                epoll_event event{.events = EPOLLOUT, .data = {.fd = fd}};
                return epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) == 0;
            }
        }
        return false;
    }

    Connection& connection(int fd) { return connections_[static_cast<std::size_t>(fd)]; }

    int listener_;
    std::vector<Connection> connections_;  // by file descriptor; each is of the thread that serves it
    std::vector<int> epolls_;
    std::size_t next_ = 0;
};

}  // namespace
}  // namespace slipgate::bench

int main(int argc, char** argv) {
    using namespace slipgate::bench;
    if (argc < 2) {
        std::fprintf(stderr, "usage: bench_server ADDRESS:PORT [THREADS]\n");
        return 2;
    }
    const Address address = parse_address(argv[1]);
    const int listener = tcp_socket(address);
    const int on = 1;
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(listener, address.get(), address.length) != 0 || listen(listener, kBacklog) != 0) {
        std::perror(argv[1]);
        return 1;
    }
    Server(listener, argc > 2 ? std::max(1, std::atoi(argv[2])) : 2).serve();
}
