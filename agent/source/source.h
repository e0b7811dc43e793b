// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "agent/base/result.h"
#include "agent/model/status.h"
#include "agent/source/file/load.h"

namespace slipgate {

// Everything a source says now.
struct SourceUpdate : LoadedSnapshot {
    std::chrono::steady_clock::time_point since;  // when the source read the first of the changes
};

// How writing statuses back to a source goes.
struct StatusWrites {
    bool is_writer = false;                       // it is this agent that writes
    std::size_t pending = 0;                      // objects to look at or to write
    std::map<std::string, std::uint64_t> writes;  // requests, by result
    std::map<std::string, std::uint64_t> events;  // Events, by result
};

// Where objects come from.
class Source {
  public:
    virtual ~Source() = default;

    // Level-triggered: readable when read() has something to do.
    [[nodiscard]] virtual int fd() const = 0;

    // Never blocks. The whole new state, or nothing if it has not changed (yet). The first one is complete.
    [[nodiscard]] virtual std::optional<SourceUpdate> read() = 0;

    // The first state was read; else what is missing for it.
    [[nodiscard]] virtual Status ready() const = 0;

    // Of a source that reads kind by kind, 1 for each kind it knows the present objects of, else 0.
    [[nodiscard]] virtual std::map<std::string, std::size_t> followed() const { return {}; }

    // What to write back to the objects of this snapshot, of a source that takes statuses. Never blocks.
    virtual void publish(const Statuses& /*statuses*/, const Snapshot& /*snapshot*/) {}
    [[nodiscard]] virtual std::optional<StatusWrites> status_writes() const { return {}; }

    // The agent ends: lets another one write. Takes a moment at most.
    virtual void leave() {}

  protected:
    Source() = default;
    Source(Source&&) = default;
    Source& operator=(Source&&) = default;
};

}  // namespace slipgate
