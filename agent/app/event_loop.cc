// SPDX-License-Identifier: Apache-2.0
#include "agent/app/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>

namespace slipgate {

Result<std::unique_ptr<EventLoop>> EventLoop::create() {
    Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
    if (!epoll) return fail_errno("epoll_create1", errno);
    Fd wakeup(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
    if (!wakeup) return fail_errno("eventfd", errno);
    std::unique_ptr<EventLoop> loop(new EventLoop(std::move(epoll), std::move(wakeup)));
    if (const auto status = loop->watch(loop->wakeup_.get(), [l = loop.get()] { l->run_posted(); }); !status) {
        return tl::unexpected(status.error());
    }
    return loop;
}

Status EventLoop::poll(int fd, int operation, std::uint32_t events) const {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    return ::epoll_ctl(epoll_.get(), operation, fd, &event) == 0 ? Status{} : fail_errno("epoll_ctl", errno);
}

Status EventLoop::watch(int fd, Task on_readable, std::chrono::milliseconds rest) {
    if (auto status = poll(fd, EPOLL_CTL_ADD, EPOLLIN); !status) return status;
    watched_[fd] = {std::move(on_readable), rest};
    return {};
}

Status EventLoop::call(int fd) {
    auto& watched = watched_.at(fd);
    watched.on_readable();
    if (watched.rest == watched.rest.zero()) return {};
    watched.resting_until = Clock::now() + watched.rest;
    return poll(fd, EPOLL_CTL_MOD, 0);
}

Status EventLoop::resume_rested() {
    for (auto& [fd, watched] : watched_) {
        if (watched.resting_until == Clock::time_point{} || watched.resting_until > Clock::now()) continue;
        watched.resting_until = {};
        if (auto status = poll(fd, EPOLL_CTL_MOD, EPOLLIN); !status) return status;
    }
    return {};
}

int EventLoop::timeout_ms() const {
    auto next = Clock::time_point::max();
    for (const auto& [fd, watched] : watched_) {
        if (watched.resting_until != Clock::time_point{}) next = std::min(next, watched.resting_until);
    }
    if (next == Clock::time_point::max()) return -1;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(next - Clock::now());
    return static_cast<int>(std::max(left, left.zero()).count());
}

void EventLoop::post(Task task) {
    const std::lock_guard lock(mutex_);
    if (closed_) return;
    posted_.push_back(std::move(task));
    ::eventfd_write(wakeup_.get(), 1);
}

void EventLoop::run_posted() {
    eventfd_t ignored = 0;
    ::eventfd_read(wakeup_.get(), &ignored);
    std::vector<Task> tasks;
    {
        const std::lock_guard lock(mutex_);
        tasks.swap(posted_);
    }
    for (const auto& task : tasks) task();
}

Status EventLoop::run() {
    Status status;
    while (!stopping_ && status) {
        std::array<epoll_event, 16> events;
        const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), timeout_ms());
        if (count < 0 && errno != EINTR) status = fail_errno("epoll_wait", errno);
        for (int i = 0; i < count && !stopping_ && status; i++)
            status = call(events.at(static_cast<std::size_t>(i)).data.fd);
        if (status) status = resume_rested();
    }
    std::vector<Task> dropped;
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(posted_);
    return status;
}

void EventLoop::stop() {
    stopping_ = true;
}

}  // namespace slipgate
