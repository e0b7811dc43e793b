// SPDX-License-Identifier: Apache-2.0
#include "agent/app/access_log.h"

#include <fcntl.h>
#include <fmt/chrono.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <optional>

#include "agent/base/log.h"

namespace slipgate {
namespace {

std::string to_text(std::chrono::system_clock::time_point time) {
    const auto milliseconds = std::chrono::floor<std::chrono::milliseconds>(time.time_since_epoch()).count();
    const auto seconds = std::chrono::floor<std::chrono::seconds>(time);
    return fmt::format("{:%Y-%m-%dT%H:%M:%S}.{:03}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(seconds)),
                       milliseconds % 1000);
}

std::string to_text(const std::optional<SocketAddress>& address) {
    return address ? address->to_string() : "\"\"";
}

// A FIFO is opened for reading, too: so nobody waits for a reader, and lines stay in it until one comes (fifo(7)).
int open_file(const std::string& path) {
    struct stat info{};
    const bool is_fifo = ::stat(path.c_str(), &info) == 0 && S_ISFIFO(info.st_mode);
    return ::open(path.c_str(), (is_fifo ? O_RDWR : O_WRONLY) | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
}

Result<Fd> open_target(const std::string& target) {
    if (target == "off") return Fd();
    const int fd = target == "-" ? ::dup(STDOUT_FILENO) : open_file(target);
    if (fd < 0) return fail_errno("access log " + target, errno);
    return Fd(fd);
}

bool writable_at_once(int fd) {
    pollfd item{fd, POLLOUT, 0};
    return ::poll(&item, 1, 0) > 0;  // POLLERR counts: write() then says what is wrong
}

// At most PIPE_BUF bytes: a pipe that is writable takes as many without waiting and in one piece (pipe(7)). Whole
// lines, so that another writer's line never lands inside one of ours.
std::size_t next_piece(std::string_view pending) {
    if (pending.size() <= PIPE_BUF) return pending.size();
    const auto last_newline = pending.rfind('\n', PIPE_BUF - 1);
    return last_newline == std::string_view::npos ? PIPE_BUF : last_newline + 1;
}

}  // namespace

std::string access_log_line(const ConnectionEvent& event) {
    return fmt::format(
        "time={} event={} client={} vip={} sni={} route={} endpoint={} source={} bytes_up={} bytes_down={} "
        "duration={:.3f} reason={}\n",
        to_text(event.time), event.kind == ConnectionEvent::Kind::kClosed ? "closed" : "refused",
        event.client.to_string(), event.vip.to_string(), log::quote(event.sni), log::quote(event.route),
        to_text(event.endpoint), to_text(event.source), event.bytes_up, event.bytes_down, event.duration.count(),
        log::quote(event.reason));
}

Result<AccessLog> AccessLog::open(std::string_view target) {
    AccessLog log{std::string(target)};
    if (const auto status = log.reopen(); !status) return tl::unexpected(status.error());
    return log;
}

Status AccessLog::reopen() {
    auto opened = open_target(target_);
    if (!opened) return tl::unexpected(opened.error());
    fd_ = std::move(*opened);
    return {};
}

void AccessLog::add(const ConnectionEvent& event) {
    if (!fd_) return;
    const auto line = access_log_line(event);
    if (pending_.size() + line.size() > kPendingLimit) {
        lost_lines_++;
    } else {
        pending_ += line;
    }
}

Status AccessLog::flush() {
    std::size_t written = 0;
    while (written < pending_.size() && writable_at_once(fd_.get())) {
        const std::string_view rest = std::string_view(pending_).substr(written);
        const auto count = ::write(fd_.get(), rest.data(), next_piece(rest));
        if (count < 0 && errno == EINTR) continue;
        if (count < 0) {
            const int error = errno;
            pending_.erase(0, written);
            drop_pending();
            return fail_errno("access log " + target_, error);
        }
        written += static_cast<std::size_t>(count);
    }
    pending_.erase(0, written);
    return {};
}

void AccessLog::drop_pending() {
    lost_lines_ += static_cast<std::uint64_t>(std::count(pending_.begin(), pending_.end(), '\n'));
    pending_.clear();
}

}  // namespace slipgate
