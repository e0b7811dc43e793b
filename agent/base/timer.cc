// SPDX-License-Identifier: Apache-2.0
#include "agent/base/timer.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>

namespace slipgate {
namespace {

timespec to_timespec(std::chrono::milliseconds duration) {
    const auto seconds = std::chrono::floor<std::chrono::seconds>(duration);
    return {seconds.count(), std::chrono::nanoseconds(duration - seconds).count()};
}

}  // namespace

Result<Timer> Timer::create() {
    Fd fd(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK));
    if (!fd) return fail_errno("timerfd_create", errno);
    return Timer(std::move(fd));
}

void Timer::start(std::chrono::milliseconds delay, std::chrono::milliseconds period) {
    // Zero would disarm the timer.
    const itimerspec spec{to_timespec(period), to_timespec(std::max(delay, std::chrono::milliseconds(1)))};
    ::timerfd_settime(fd_.get(), 0, &spec, nullptr);
}

void Timer::acknowledge() {
    std::uint64_t expirations = 0;
    // Nothing to read is fine: the timer was set anew since.
    if (::read(fd_.get(), &expirations, sizeof expirations) < 0) return;
}

}  // namespace slipgate
