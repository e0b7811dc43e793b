// SPDX-License-Identifier: Apache-2.0
// Garbage collection of flows: this proposes, and the BPF program gc looks again and removes. Connections that ended
// are proposed when their closing time is over, as their events told. All else, and what was missed, is met on a walk
// of the maps, which is slow on purpose: it costs time in proportion to the size of the maps.
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
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

    // What one step did, in entries.
    struct Step {
        std::uint32_t walked = 0, proposed = 0, removed = 0;
    };

    GarbageCollector(Fds fds, Limits limits) : fds_(fds), limits_(limits) {}

    // Steps between the beginning of one walk and that of the next, at least.
    static constexpr std::uint32_t kStepsBetweenWalks = 5;
    // Entries that a walk reads at once; more than any bucket of the maps holds.
    static constexpr std::uint32_t kWalkBatch = 4096;

    // A connection ended just now; `client` is its tuple as the client sends.
    void expect(const sg_tuple& client);

    // Once a second: proposes connections whose time is over, walks `entries` entries on from where the last call
    // stopped, at most kWalkBatch more, and removes what is over.
    [[nodiscard]] Result<Step> step(std::uint32_t entries);

    // As of the last complete walk.
    [[nodiscard]] FlowCounts counts() const { return counts_; }

  private:
    struct Ended {
        std::uint32_t due;  // SG_SECONDS
        sg_tuple client;
    };

    void take_ended();
    [[nodiscard]] Status walk_on(std::uint32_t entries);
    template <typename Key, typename Value>
    [[nodiscard]] Result<bool> walk(int fd, std::uint32_t entries);
    void look_at(const sg_tuple& key, const sg_flow& flow);
    [[nodiscard]] Result<std::uint32_t> collect();

    Fds fds_;
    Limits limits_;
    std::deque<Ended> ended_;      // in the order of their time
    std::uint32_t next_walk_ = 0;  // steps until a new walk may begin
    bool walking_ = false;
    bool in_flows6_ = false;
    bool started_ = false;      // the map at hand
    std::uint32_t token_ = 0;   // of the batch walk
    std::uint32_t walked_ = 0;  // entries, in this step
    std::vector<sg_gc_candidate> candidates_;
    FlowCounts counting_, counts_;
};

}  // namespace slipgate
