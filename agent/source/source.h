// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <string>

#include "agent/base/result.h"
#include "agent/source/file/load.h"

namespace slipgate {

// Everything a source says now.
using SourceUpdate = LoadedSnapshot;

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

  protected:
    Source() = default;
    Source(Source&&) = default;
    Source& operator=(Source&&) = default;
};

}  // namespace slipgate
