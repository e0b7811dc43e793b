// SPDX-License-Identifier: Apache-2.0
// Garbage collection of flows: this walks the maps piece by piece and proposes; the BPF program gc looks again and
// removes.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include <slipgate/abi.h>

#include "agent/base/result.h"
#include "agent/datapath/datapath.h"

namespace slipgate {

class GarbageCollector {
  public:
    // Borrowed descriptors.
    struct Fds {
        int flows4, flows6, gc_batch, gc_limits, program;
    };
    struct Limits {
        std::chrono::seconds closing{10};
        std::chrono::seconds connecting{30};  // longer than a client's pauses between repetitions of its hello
        std::chrono::seconds idle{std::chrono::hours(3)};
    };

    GarbageCollector(Fds fds, Limits limits) : fds_(fds), limits_(limits) {}

    // Walks at most `entries` entries on from where the last call stopped, and removes what is over. Returns how many
    // entries were removed. A walk that reaches the end of the maps begins anew with the next call.
    [[nodiscard]] Result<std::uint32_t> step(std::uint32_t entries);

    // As of the last complete walk.
    [[nodiscard]] FlowCounts counts() const { return counts_; }

  private:
    template <typename Key, typename Value>
    [[nodiscard]] Result<bool> walk(int fd, std::uint32_t& budget);
    void look_at(const sg_tuple& key, const sg_flow& flow);
    [[nodiscard]] Result<std::uint32_t> collect();

    Fds fds_;
    Limits limits_;
    bool in_flows6_ = false;
    bool started_ = false;
    std::uint32_t token_ = 0;  // of the batch walk
    std::vector<sg_gc_candidate> candidates_;
    FlowCounts counting_, counts_;
};

}  // namespace slipgate
