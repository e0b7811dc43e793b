// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/counter_reader.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include <array>
#include <cstddef>

#include <slipgate/counters.h>

namespace slipgate {
namespace {

struct Declared {
    Counter::Kind kind;
    std::string_view name;
    std::string_view help;
};

constexpr std::array<Declared, SG_COUNTER_MAX> kDeclared{{
#define X(name, help) {Counter::Kind::kRefusal, #name, help},
    SG_REFUSALS(X)
#undef X
#define X(name, help) {Counter::Kind::kDrop, #name, help},
        SG_DROPS(X)
#undef X
#define X(name, help) {Counter::Kind::kOccurrence, #name, help},
            SG_OCCURRENCES(X)
#undef X
}};

}  // namespace

std::string_view counter_name(unsigned counter) {
    return counter < kDeclared.size() ? kDeclared[counter].name : "unknown";
}

Result<std::vector<Counter>> read_counters(int fd) {
    const int cpus = libbpf_num_possible_cpus();
    if (cpus < 0) return fail_errno("count CPUs", cpus);
    using PerCpu = std::array<std::uint64_t, SG_COUNTER_MAX>;
    std::vector<PerCpu> values(static_cast<std::size_t>(cpus));
    const __u32 zero = 0;
    if (const int error = bpf_map_lookup_elem(fd, &zero, values.data())) return fail_errno("read map counters", error);
    std::vector<Counter> counters;
    for (std::size_t i = 0; i < kDeclared.size(); i++) {
        Counter counter{kDeclared[i].kind, kDeclared[i].name, kDeclared[i].help, 0};
        for (const auto& value : values) counter.value += value[i];
        counters.push_back(counter);
    }
    return counters;
}

}  // namespace slipgate
