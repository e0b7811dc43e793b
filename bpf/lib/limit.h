/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* How much this CPU may originate by itself: a flood of packets must not become one of answers. */
#ifndef SLIPGATE_BPF_LIMIT_H
#define SLIPGATE_BPF_LIMIT_H

#include "common.h"

/* Takes a token of a second's worth, `per_second`. Returns false when there is none left. */
static __always_inline bool bucket_take(__u32 kind, __u32 per_second) {
    struct sg_bucket* bucket = bpf_map_lookup_elem(&buckets, &kind);
    if (!bucket) return false;
    __u64 now = bpf_ktime_get_coarse_ns(), elapsed = now - bucket->refilled;
    if (elapsed >= 1000000000ULL) {
        bucket->tokens = per_second;
        bucket->refilled = now;
    }
    if (!bucket->tokens) return false;
    bucket->tokens--;
    return true;
}

#endif
