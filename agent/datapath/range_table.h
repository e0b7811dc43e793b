// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstring>
#include <map>
#include <string>
#include <vector>

#include <slipgate/abi.h>

#include "agent/base/result.h"
#include "agent/datapath/maps.h"
#include "agent/datapath/range_allocator.h"
#include "agent/datapath/setback.h"

namespace slipgate {

// An array of descriptors and the array their ranges lie in: routes and weights, or backends and endpoints. Knows what
// the kernel has, and publishes a change as one descriptor store, never touching a range that is published.
template <typename T>
class RangeTable {
  public:
    // The operations of Maps for this pair of arrays.
    struct Access {
        const char* array;  // name of the map the ranges lie in
        Result<sg_range> (Maps::*range)(std::uint32_t);
        Status (Maps::*set_range)(std::uint32_t, sg_range);
        Result<std::vector<T>> (Maps::*values)(std::uint32_t, std::uint32_t);
        Status (Maps::*set_values)(std::uint32_t, const std::vector<T>&);
    };

    RangeTable(Maps& maps, Access access, std::uint32_t capacity, std::optional<TimePoint> rest_from)
        : maps_(maps), access_(access), allocator_(capacity, rest_from) {}

    // Reads back what `slot` publishes.
    [[nodiscard]] Status adopt(std::uint32_t slot) {
        const auto range = (maps_.*access_.range)(slot);
        if (!range) return tl::unexpected(range.error());
        if (range->word == 0) return {};
        const auto [first, count, generation] = range->part;
        Entry entry{*range, {}};
        if (count > 0) {
            if (!allocator_.reserve(first, count)) {
                return fail("slot " + std::to_string(slot) + ": its range overlaps another or the end of the array");
            }
            auto values = (maps_.*access_.values)(first, count);
            if (!values) return tl::unexpected(values.error());
            entry.values = std::move(*values);
        }
        entries_.insert_or_assign(slot, std::move(entry));
        return {};
    }

    // Makes `slot` lead to `values` (at most 65535). Nothing is written if it does already.
    [[nodiscard]] Placed<void> publish(std::uint32_t slot, const std::vector<T>& values, TimePoint now) {
        const auto found = entries_.find(slot);
        const Entry old = found == entries_.end() ? Entry{} : found->second;
        if (same(old.values, values)) return {};

        sg_range range{};
        range.part.count = static_cast<std::uint16_t>(values.size());
        range.part.generation = static_cast<std::uint16_t>(old.range.part.generation + 1);
        if (!values.empty()) {
            const auto first = allocator_.allocate(range.part.count, now);
            if (!first && allocator_.resting()) return resting("the room there is was in use a moment ago");
            if (!first) return no_room("the map " + std::string(access_.array) + " is full");
            range.part.first = *first;
            if (auto done = (maps_.*access_.set_values)(*first, values); !done) {
                allocator_.release(*first, range.part.count, now);
                return failed(done.error().message);
            }
        }
        if (auto done = (maps_.*access_.set_range)(slot, range); !done) {
            allocator_.release(range.part.first, range.part.count, now);
            return failed(done.error().message);
        }
        allocator_.release(old.range.part.first, old.range.part.count, now);
        entries_.insert_or_assign(slot, Entry{range, values});
        return {};
    }

    // Makes `slot` lead nowhere, as if it had never been used.
    [[nodiscard]] Status withdraw(std::uint32_t slot, TimePoint now) {
        const auto found = entries_.find(slot);
        if (found == entries_.end()) return {};
        if (auto done = (maps_.*access_.set_range)(slot, sg_range{}); !done) return done;
        allocator_.release(found->second.range.part.first, found->second.range.part.count, now);
        entries_.erase(found);
        return {};
    }

    // What `slot` leads to.
    [[nodiscard]] std::vector<T> values(std::uint32_t slot) const {
        const auto found = entries_.find(slot);
        return found == entries_.end() ? std::vector<T>() : found->second.values;
    }

    // Calls visit(value) for all that is published, until it returns false.
    template <typename Visit>
    void for_each(Visit visit) const {
        for (const auto& [slot, entry] : entries_) {
            for (const auto& value : entry.values) {
                if (!visit(value)) return;
            }
        }
    }

  private:
    struct Entry {
        sg_range range{};
        std::vector<T> values;
    };

    static bool same(const std::vector<T>& a, const std::vector<T>& b) {
        return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
    }

    Maps& maps_;
    Access access_;
    RangeAllocator allocator_;
    std::map<std::uint32_t, Entry> entries_;
};

}  // namespace slipgate
