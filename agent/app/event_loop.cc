// SPDX-License-Identifier: Apache-2.0
#include "agent/app/event_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

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

Status EventLoop::watch(int fd, Task on_readable) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    if (::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, fd, &event) != 0) return fail_errno("epoll_ctl", errno);
    watched_[fd] = std::move(on_readable);
    return {};
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
        const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), -1);
        if (count < 0 && errno != EINTR) status = fail_errno("epoll_wait", errno);
        for (int i = 0; i < count && !stopping_; i++) watched_.at(events.at(static_cast<std::size_t>(i)).data.fd)();
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
