// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <optional>
#include <set>
#include <string>

#include "agent/base/fd.h"
#include "agent/base/result.h"

namespace slipgate {

// Says when a folder should be looked at again: shortly after a burst of changes ended, at the latest half a second
// after it began. Also knows which files somebody is writing to just now.
class FolderWatch {
  public:
    // The first look is due at once.
    [[nodiscard]] static Result<FolderWatch> open(std::string folder);

    // Readable when poll() has something to do.
    [[nodiscard]] int fd() const { return epoll_.get(); }

    // Never blocks. True: look at the folder now.
    [[nodiscard]] bool poll();

    // poll() is true once more in a while, even if nothing changes: what failed this time may not then.
    void look_again();

    // Written to since it was last closed: its content may be half of what it will be.
    [[nodiscard]] bool is_being_written(const std::string& name) const { return being_written_.contains(name); }

  private:
    using Clock = std::chrono::steady_clock;

    FolderWatch() = default;
    bool drain_events();
    void watch_folder();
    void arm(std::chrono::nanoseconds delay);

    std::string folder_;
    Fd inotify_;
    Fd timer_;
    Fd epoll_;  // holds both, so that the owner waits for one descriptor
    bool watching_ = false;
    std::optional<Clock::time_point> burst_began_;
    std::set<std::string> being_written_;
};

}  // namespace slipgate
