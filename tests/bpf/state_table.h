// SPDX-License-Identifier: Apache-2.0
// The tables of docs/dataplane.md: what a packet does in each state.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/bpf/splice_bench.h"

namespace slipgate::test {

// A packet in the words of the table.
struct Situation {
    std::string state, from;
    std::uint8_t flags = 0;
    std::string seq, ack, data;
};

std::string to_string(const Situation& situation);

struct Row {
    std::vector<std::string> states, from, seq, ack, data;  // allowed words; none: all
    std::uint8_t set = 0, clear = 0;                        // flags
    std::string action, next;
    Counted counters;
    int line = 0;          // in the document
    mutable int used = 0;  // how often it decided

    [[nodiscard]] bool fits(const Situation& situation) const;
};

// All rows of the table of that source mode; fails the test at hand over one that cannot be read.
std::vector<Row> read_state_table(const std::string& document, const std::string& mode);

}  // namespace slipgate::test
