// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include <slipgate/abi.h>

#include "agent/base/result.h"
#include "agent/datapath/id_allocator.h"
#include "agent/datapath/maps.h"
#include "agent/datapath/setback.h"

namespace slipgate {

// Names of routes or backends and their indices in the arrays. The names lie in a pinned map, so indices survive the
// agent; and so does the mark that tells the next agent which of the others may have been in use a moment ago.
class LabelTable {
  public:
    // The operations of Maps for this map.
    struct Access {
        Result<std::map<std::uint32_t, std::string>> (Maps::*all)();
        Status (Maps::*set)(std::uint32_t, const std::string&);
        Status (Maps::*remove)(std::uint32_t);
        Result<std::uint32_t> (Maps::*mark)();
        Status (Maps::*set_mark)(std::uint32_t);
    };

    LabelTable(Maps& maps, Access access, std::uint32_t capacity) : maps_(maps), access_(access), ids_(capacity) {}

    // Reads back all names.
    [[nodiscard]] Status adopt(TimePoint now);

    // The index of a name, a new one if it has none yet.
    [[nodiscard]] Placed<std::uint32_t> place(const std::string& name, TimePoint now);

    // Only once nothing leads to the index any more.
    [[nodiscard]] Status remove(const std::string& name, TimePoint now);

    [[nodiscard]] const std::map<std::string, std::uint32_t>& indices() const { return indices_; }

  private:
    Maps& maps_;
    Access access_;
    IdAllocator ids_;
    std::uint32_t mark_ = 0;  // as the map has it: indices below were in use at some time
    std::map<std::string, std::uint32_t> indices_;
};

}  // namespace slipgate
