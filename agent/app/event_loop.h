// SPDX-License-Identifier: Apache-2.0
#pragma once

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
    [[nodiscard]] Status watch(int fd, Task on_readable);

    // From any thread: runs the task on the loop's thread. After the loop stopped, tasks are destroyed without being
    // run.
    void post(Task task);

    // Returns after stop(), or when waiting itself fails.
    [[nodiscard]] Status run();
    void stop();

  private:
    EventLoop(Fd epoll, Fd wakeup) : epoll_(std::move(epoll)), wakeup_(std::move(wakeup)) {}
    void run_posted();

    Fd epoll_;
    Fd wakeup_;  // eventfd
    std::map<int, Task> watched_;
    bool stopping_ = false;

    std::mutex mutex_;  // of what follows
    std::vector<Task> posted_;
    bool closed_ = false;
};

}  // namespace slipgate
