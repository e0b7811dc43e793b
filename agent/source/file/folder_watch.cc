// SPDX-License-Identifier: Apache-2.0
#include "agent/source/file/folder_watch.h"

#include <sys/epoll.h>
#include <sys/inotify.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "agent/base/log.h"

namespace slipgate {
namespace {

using namespace std::chrono_literals;

constexpr std::chrono::nanoseconds kQuiet = 50ms;
constexpr std::chrono::nanoseconds kLongestBurst = 500ms;
constexpr std::chrono::nanoseconds kRetry = 1s;  // of what failed

// IN_ATTRIB: a file may have become readable. IN_CREATE: links, which nobody closes.
constexpr std::uint32_t kEvents = IN_CLOSE_WRITE | IN_MODIFY | IN_CREATE | IN_DELETE | IN_MOVED_TO | IN_MOVED_FROM |
                                  IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR;

Status add(const Fd& epoll, const Fd& fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, fd.get(), &event) != 0) return fail_errno("epoll_ctl", errno);
    return {};
}

}  // namespace

Result<FolderWatch> FolderWatch::open(std::string folder) {
    FolderWatch watch;
    watch.folder_ = std::move(folder);
    watch.inotify_ = Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
    if (!watch.inotify_) return fail_errno("inotify_init1", errno);
    watch.timer_ = Fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!watch.timer_) return fail_errno("timerfd_create", errno);
    watch.epoll_ = Fd(::epoll_create1(EPOLL_CLOEXEC));
    if (!watch.epoll_) return fail_errno("epoll_create1", errno);
    for (const auto* fd : {&watch.inotify_, &watch.timer_}) {
        if (const auto added = add(watch.epoll_, *fd); !added) return tl::unexpected(added.error());
    }
    if (::inotify_add_watch(watch.inotify_.get(), watch.folder_.c_str(), kEvents) < 0)
        return fail_errno(watch.folder_, errno);
    watch.watching_ = true;
    watch.arm(1ns);
    return watch;
}

bool FolderWatch::poll() {
    if (drain_events()) {
        const auto now = Clock::now();
        if (!burst_began_) burst_began_ = now;
        const auto left = *burst_began_ + kLongestBurst - now;
        arm(std::clamp<std::chrono::nanoseconds>(left, 1ns, kQuiet));
    }
    std::uint64_t expirations = 0;
    if (::read(timer_.get(), &expirations, sizeof expirations) != sizeof expirations) return false;
    burst_began_.reset();
    if (!watching_) watch_folder();
    return true;
}

// The folder was deleted or renamed: wait for one of its name.
void FolderWatch::watch_folder() {
    if (::inotify_add_watch(inotify_.get(), folder_.c_str(), kEvents) >= 0) {
        watching_ = true;
        log::info("source", "the folder is back", {{"folder", folder_}});
    } else {
        look_again();
    }
}

void FolderWatch::look_again() {
    arm(kRetry);
}

// True if something happened that calls for another look.
bool FolderWatch::drain_events() {
    alignas(inotify_event) std::array<char, 16384> buffer;
    bool changed = false;
    for (;;) {
        const auto size = ::read(inotify_.get(), buffer.data(), buffer.size());
        if (size <= 0) return changed;
        for (std::size_t at = 0; at < static_cast<std::size_t>(size);) {
            inotify_event event;
            std::memcpy(&event, buffer.data() + at, sizeof event);
            const std::string name = event.len > 0 ? buffer.data() + at + sizeof event : "";
            at += sizeof event + event.len;
            if ((event.mask & IN_MOVE_SELF) != 0) ::inotify_rm_watch(inotify_.get(), event.wd);  // gives IN_IGNORED
            if ((event.mask & IN_IGNORED) != 0) watching_ = false;
            if ((event.mask & (IN_IGNORED | IN_Q_OVERFLOW)) != 0) being_written_.clear();
            if ((event.mask & IN_MODIFY) != 0) {
                being_written_.insert(name);
                continue;  // the close is what counts
            }
            if ((event.mask & (IN_CLOSE_WRITE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO)) != 0)
                being_written_.erase(name);
            changed = true;
        }
    }
}

void FolderWatch::arm(std::chrono::nanoseconds delay) {
    itimerspec when{};
    when.it_value.tv_sec = delay / 1s;
    when.it_value.tv_nsec = (delay % 1s).count();
    ::timerfd_settime(timer_.get(), 0, &when, nullptr);
}

}  // namespace slipgate
