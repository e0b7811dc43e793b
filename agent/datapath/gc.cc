// SPDX-License-Identifier: Apache-2.0
#include "agent/datapath/gc.h"

#include <bpf/bpf.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <numeric>
#include <type_traits>

#include "agent/base/address.h"
#include "agent/datapath/map_access.h"

namespace slipgate {
namespace {

constexpr std::size_t kEndedMax = 1U << 18;     // kept in mind; what is beyond is met on a walk
constexpr std::size_t kEndedPerStep = 1 << 16;  // proposed at once
constexpr std::uint32_t kEndedSlack = 2;        // SG_SECONDS: for the last packets, and for parts of a unit

// The keys of gc_batch.
constexpr auto kSlots = [] {
    std::array<__u32, SG_GC_BATCH> slots{};
    std::iota(slots.begin(), slots.end(), 0U);
    return slots;
}();

std::uint32_t now() {
    timespec time{};
    clock_gettime(CLOCK_MONOTONIC, &time);
    return SG_SECONDS(static_cast<std::uint64_t>(time.tv_sec) * 1'000'000'000 +
                      static_cast<std::uint64_t>(time.tv_nsec));
}

std::uint32_t units(std::chrono::seconds seconds) {
    return SG_SECONDS(static_cast<std::uint64_t>(std::chrono::nanoseconds(seconds).count()));
}

sg_address mapped(__be32 ipv4) {
    sg_address address{};
    address.word[2] = __builtin_bswap32(0xffff);
    address.word[3] = ipv4;
    return address;
}

sg_tuple tuple_of(const sg_flow4_key& key) {
    return {mapped(key.source), mapped(key.destination), key.source_port, key.destination_port};
}

sg_tuple tuple_of(const sg_tuple& key) {
    return key;
}

}  // namespace

void GarbageCollector::look_at(const sg_tuple& key, const sg_flow& flow) {
    const std::uint32_t age = now() - flow.seen;
    std::uint32_t limit = units(limits_.closing);
    if (flow.state == SG_FLOW_ESTABLISHED) {
        limit = units(limits_.idle);
        counting_.established++;
    } else if (flow.state == SG_FLOW_CONNECTING) {
        limit = units(limits_.connecting);
        counting_.connecting++;
    } else {
        counting_.closing++;
    }
    if (age > limit && age < 0x80000000U) candidates_.push_back({key});
}

// Returns true when the end of the map is reached.
template <typename Key, typename Value>
Result<bool> GarbageCollector::walk(int fd, std::uint32_t entries) {
    std::vector<Key> keys(kWalkBatch);
    std::vector<Value> values(kWalkBatch);
    while (walked_ < entries) {
        __u32 count = kWalkBatch;
        std::uint32_t next = 0;
        const int error =
            bpf_map_lookup_batch(fd, started_ ? &token_ : nullptr, &next, keys.data(), values.data(), &count, nullptr);
        if (error && error != -ENOENT) return fail_errno("walk flows", error);
        for (__u32 i = 0; i < count; i++) look_at(tuple_of(keys[i]), values[i].flow);
        walked_ += std::max(count, 1U);
        token_ = next;
        started_ = true;
        if (error == -ENOENT) {
            started_ = false;
            return true;
        }
    }
    return false;
}

void GarbageCollector::expect(const sg_tuple& client) {
    if (ended_.size() < kEndedMax) ended_.push_back({now() + units(limits_.closing) + kEndedSlack, client});
}

void GarbageCollector::take_ended() {
    const auto time = now();
    while (!ended_.empty() && candidates_.size() < kEndedPerStep && time - ended_.front().due < 0x80000000U) {
        candidates_.push_back({ended_.front().client});
        ended_.pop_front();
    }
}

Result<GarbageCollector::Step> GarbageCollector::step(std::uint32_t entries) {
    candidates_.clear();
    take_ended();
    if (next_walk_ > 0) next_walk_--;
    if (!walking_ && next_walk_ == 0) {
        walking_ = true;
        next_walk_ = kStepsBetweenWalks;
    }
    walked_ = 0;
    const auto walked = walking_ ? walk_on(entries) : Status{};
    const auto removed = collect();
    if (!walked) return tl::unexpected(walked.error());
    if (!removed) return tl::unexpected(removed.error());
    return Step{walked_, static_cast<std::uint32_t>(candidates_.size()), *removed};
}

Status GarbageCollector::walk_on(std::uint32_t entries) {
    if (!in_flows6_) {
        const auto end = walk<sg_flow4_key, sg_flow4>(fds_.flows4, entries);
        if (!end) return tl::unexpected(end.error());
        in_flows6_ = *end;
    }
    if (in_flows6_ && walked_ < entries) {
        const auto end = walk<sg_tuple, sg_flow6>(fds_.flows6, entries);
        if (!end) return tl::unexpected(end.error());
        if (*end) {
            walking_ = in_flows6_ = false;
            counts_ = counting_;
            counting_ = {};
        }
    }
    return {};
}

Result<std::uint32_t> GarbageCollector::collect() {
    std::uint32_t removed = 0;
    for (std::size_t begin = 0; begin < candidates_.size(); begin += SG_GC_BATCH) {
        const auto count = static_cast<__u32>(std::min<std::size_t>(SG_GC_BATCH, candidates_.size() - begin));
        __u32 written = count;
        if (const int error =
                bpf_map_update_batch(fds_.gc_batch, kSlots.data(), &candidates_[begin], &written, nullptr))
            return fail_errno("gc_batch", error);
        const sg_gc_limits limits{units(limits_.closing), units(limits_.connecting), units(limits_.idle), count, 0, 0};
        if (auto status = map_set(fds_.gc_limits, "gc_limits", __u32{0}, limits); !status)
            return tl::unexpected(status.error());
        LIBBPF_OPTS(bpf_test_run_opts, run);
        if (const int error = bpf_prog_test_run_opts(fds_.program, &run)) return fail_errno("run program gc", error);
        if (run.retval != 0) return fail("run program gc: it found no limits");
        const auto result = map_get<sg_gc_limits>(fds_.gc_limits, "gc_limits", __u32{0});
        if (!result) return tl::unexpected(result.error());
        if (*result) removed += (*result)->removed;
    }
    return removed;
}

}  // namespace slipgate
