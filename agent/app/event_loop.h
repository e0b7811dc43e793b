// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <vector>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace slipgate {

// One thread waits for file descriptors and runs what belongs to them. Everything of the agent happens on it, so
// nothing else needs a lock; other threads hand in their work by post().
class EventLoop {
  public:
    using Task = std::function<void()>;

    [[nodiscard]] static Result<std::unique_ptr<EventLoop>> create();

    // Calls `on_readable` as long as the descriptor is readable (level-triggered). The descriptor must stay open.
    // After a call it is left alone for `rest`: what comes often is then handled in batches, at one wake-up each.
    [[nodiscard]] Status watch(int fd, Task on_readable, std::chrono::milliseconds rest = {});

    // From any thread: runs the task on the loop's thread. After the loop stopped, tasks are destroyed without being
    // run.
    void post(Task task);

    // Returns after stop(), or when waiting itself fails.
    [[nodiscard]] Status run();
    void stop();

  private:
    EventLoop(Fd epoll, Fd wakeup) : epoll_(std::move(epoll)), wakeup_(std::move(wakeup)) {}
    using Clock = std::chrono::steady_clock;

    struct Watched {
        Task on_readable;
        std::chrono::milliseconds rest;
        Clock::time_point resting_until = {};  // zero: it is polled
    };

    void run_posted();
    [[nodiscard]] Status poll(int fd, int operation, std::uint32_t events) const;
    [[nodiscard]] Status call(int fd);
    [[nodiscard]] Status resume_rested();
    [[nodiscard]] int timeout_ms() const;  // until the next one has rested; -1: none rests

    Fd epoll_;
    Fd wakeup_;  // eventfd
    std::map<int, Watched> watched_;
    bool stopping_ = false;

    std::mutex mutex_;  // of what follows
    std::vector<Task> posted_;
    bool closed_ = false;
};

}  // namespace slipgate
