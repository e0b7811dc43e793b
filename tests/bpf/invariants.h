// SPDX-License-Identifier: Apache-2.0
// What holds after every packet, whatever it was.
#pragma once

#include <optional>

#include "tests/bpf/splice_bench.h"

namespace slipgate::test {

// Where a packet went. Each has exactly one fate, and the counters say which.
enum class Fate { kToStack, kForwarded, kAnswered, kDiscarded };

class Invariants {
  public:
    explicit Invariants(SpliceBench& bench) : bench_(bench) {}
    // The test has changed flows itself.
    void look_again() { flows_ = bench_.flows(); }

    // Fails the test at hand where `outcome`, of this frame, breaks a rule.
    Fate check(const Bytes& frame, const Outcome& outcome);

  private:
    Fate account(const Outcome& outcome);
    void check_passed(const Bytes& frame, const Outcome& outcome, const FlowTable& after);
    void check_foreign(const std::optional<Packet>& packet, const FlowTable& after);
    void check_sent(const Bytes& frame, const Outcome& outcome, const FlowTable& after);
    void check_flows(const FlowTable& after);
    void check_new(const Bytes& frame, const FlowTable& after);

    SpliceBench& bench_;
    FlowTable flows_;  // before the packet
};

}  // namespace slipgate::test
