// SPDX-License-Identifier: Apache-2.0
// One line per connection that ended or was refused, as key=value. Values are quoted and escaped as in the log, so that
// what a client sends as server name can neither forge a field nor a line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "agent/base/fd.h"
#include "agent/base/result.h"
#include "agent/datapath/events.h"

namespace slipgate {

// "time=2026-01-02T03:04:05.678Z event=closed client=... ... reason=fin\n". A value that is not known is "".
[[nodiscard]] std::string access_log_line(const ConnectionEvent& event);

// Lines are gathered and written by flush(), which never waits for a slow reader (a pipe that nobody empties): what
// does not fit into kPendingLimit is dropped and counted. Connections must never wait for their log.
class AccessLog {
  public:
    static constexpr std::size_t kPendingLimit = 1 << 20;  // bytes

    // "-": standard output; "off"; else the path of a file, appended to.
    [[nodiscard]] static Result<AccessLog> open(std::string_view target);

    void add(const ConnectionEvent& event);

    // Writes what can be written without waiting. After an error the lines in hand are lost, and counted.
    [[nodiscard]] Status flush();

    // Opens the file anew, for log rotation; nothing to do for standard output. On an error the old file stays in use.
    [[nodiscard]] Status reopen();

    [[nodiscard]] bool has_pending() const { return !pending_.empty(); }
    [[nodiscard]] std::uint64_t lost_lines() const { return lost_lines_; }

  private:
    explicit AccessLog(std::string target) : target_(std::move(target)) {}
    void drop_pending();

    std::string target_;
    Fd fd_;  // none: off
    std::string pending_;
    std::uint64_t lost_lines_ = 0;
};

}  // namespace slipgate
