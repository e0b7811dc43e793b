/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Translates timestamps and SACK edges in any layout, aligned or not, for the packets that do not have the usual one.
 */
#ifndef SLIPGATE_BPF_OPTION_WALK_H
#define SLIPGATE_BPF_OPTION_WALK_H

#include "options.h"

struct option_walk {
    struct sg_scratch* s;
    __u32 ack_delta, tsval_delta, tsecr_delta;
};

static __always_inline void option_add_u32(__u8* bytes, __u32 at, __u32 delta) {
    __u32 value = option_u32(bytes, at) + delta;
    bytes[at & 63] = value >> 24;
    bytes[(at + 1) & 63] = value >> 16;
    bytes[(at + 2) & 63] = value >> 8;
    bytes[(at + 3) & 63] = value;
}

static __always_inline void option_translate(const struct option_walk* walk, __u8* bytes, __u32 at, __u32 kind,
                                             __u32 length) {
    if (kind == SG_OPTION_TIMESTAMPS && length == 10) {
        option_add_u32(bytes, at + 2, walk->tsval_delta);
        if (option_u32(bytes, at + 6)) option_add_u32(bytes, at + 6, walk->tsecr_delta);
    } else if (kind == SG_OPTION_SACK) {
#pragma unroll
        for (__u32 edge = 0; edge < 8; edge++) {
            if (2 + edge * 4 + 4 > length) break;
            option_add_u32(bytes, at + 2 + edge * 4, walk->ack_delta);
        }
    }
}

static long option_walk_step(__u32 index, struct option_walk* walk) {
    struct sg_scratch* s = walk->s;
    int next = option_next(s);
    if (next == 1) option_translate(walk, s->option_bytes, s->option.at, s->option.kind, s->option.length);
    return next < 0;
}

/* Options are `length` bytes at offset `at`. Returns the checksum difference. Packet pointers are invalid afterwards.
 */
static __noinline __u64 option_walk(struct __sk_buff* skb, const struct sg_flow* flow, __u32 at, __u32 length) {
    struct sg_scratch* s = get_scratch();
    if (!s || !flow) return 0;
    COUNT(option_walk);
    __builtin_memset(s->option_bytes, 0, sizeof(s->option_bytes));
    if (length < 1 || length > SG_OPTIONS_MAX) return 0;
    length = SG_CLAMP(length, 1, SG_OPTIONS_MAX);
    if (bpf_skb_load_bytes(skb, at, s->option_bytes, length)) return 0;
    __u32 before = bpf_csum_diff(0, 0, (__be32*)s->option_bytes, SG_OPTIONS_MAX, 0);
    struct option_walk walk = {
        .s = s, .ack_delta = flow->ack_delta, .tsval_delta = flow->tsval_delta, .tsecr_delta = flow->tsecr_delta};
    s->option_at = 0;
    s->option_end = length;
    bpf_loop(SG_OPTIONS_MAX, option_walk_step, &walk, 0);
    __u32 after = bpf_csum_diff(0, 0, (__be32*)s->option_bytes, SG_OPTIONS_MAX, 0);
    bpf_skb_store_bytes(skb, at, s->option_bytes, length, 0);
    return (__u64)after + (__u32)~before;
}

#endif
