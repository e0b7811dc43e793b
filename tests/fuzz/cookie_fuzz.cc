// SPDX-License-Identifier: Apache-2.0
// Cookies of any options, tuple and time: what was made is recognised, and no verdict contradicts the segment.
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include <slipgate/client_hello.h>
#include <slipgate/cookie.h>

#include "tests/fuzz/check.h"

namespace {

struct Input {
    std::array<__u64, 2> key;
    std::array<__u64, 5> tuple;
    __u64 tick;
    __u32 client_isn, foreign_isn, seq;
    __u16 mss, place;
    __u8 sack, window_scale, age;
};

void check_own(const Input& in) {
    const sg_cookie options{in.mss, static_cast<__u8>(in.sack & 1), static_cast<__u8>(in.window_scale & 15)};
    const auto hash = sg_cookie_hash(in.key.data(), in.tuple.data(), in.tick);
    const auto isn = sg_cookie_make(hash, in.client_isn, options);
    const auto read = sg_cookie_unpack(isn);
    FUZZ_CHECK(read.sack == options.sack);
    FUZZ_CHECK(read.window_scale == options.window_scale);
    FUZZ_CHECK(read.mss <= std::max<__u16>(in.mss, 536) && read.mss >= 536);

    const auto now = in.tick + (in.age & 1);
    const auto judge = [&](__u32 seq, __u32* client_isn) {
        return sg_cookie_check(in.key.data(), in.tuple.data(), now, isn, seq, SG_STASH_BYTES, client_isn);
    };
    // In the older tick a first segment and a probe can be taken for one another once in 2^24: the fuzzer may find it.
    if (in.age & 1 && sg_cookie_hash(in.key.data(), in.tuple.data(), now) >> 16 == hash >> 16) return;
    __u32 client_isn = 0;
    FUZZ_CHECK(judge(in.client_isn + 1, &client_isn) == SG_COOKIE_FIRST && client_isn == in.client_isn);
    FUZZ_CHECK(judge(in.client_isn, &client_isn) == SG_COOKIE_PROBE && client_isn == in.client_isn);
    const __u32 place = in.place % SG_STASH_BYTES;
    if (place == 0) return;
    FUZZ_CHECK(judge(in.client_isn + 1 + place, &client_isn) == SG_COOKIE_LATER && client_isn == in.client_isn);
}

void check_foreign(const Input& in) {
    __u32 client_isn = 0;
    const auto verdict =
        sg_cookie_check(in.key.data(), in.tuple.data(), in.tick, in.foreign_isn, in.seq, SG_STASH_BYTES, &client_isn);
    const __u32 place = in.seq - 1 - client_isn;
    switch (verdict) {
        case SG_COOKIE_FOREIGN:
            break;
        case SG_COOKIE_FIRST:
            FUZZ_CHECK(place == 0);
            break;
        case SG_COOKIE_LATER:
            FUZZ_CHECK(place > 0 && place < SG_STASH_BYTES);
            break;
        case SG_COOKIE_PROBE:
            FUZZ_CHECK(place == ~0U);
            break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    Input input{};
    std::memcpy(static_cast<void*>(&input), data, std::min(size, sizeof input));
    check_own(input);
    check_foreign(input);
    return 0;
}
