/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Our own clocks towards clients and endpoints: timestamps and initial sequence numbers. */
#ifndef SLIPGATE_BPF_TIMESTAMP_H
#define SLIPGATE_BPF_TIMESTAMP_H

#include "common.h"

static __always_inline __u64 tuple_secret(const struct sg_config* c, const struct sg_tuple* tuple) {
    __u64 words[5];
    tuple_words(words, tuple);
    return sg_siphash_words(c->cookie_key, words, 5);
}

/* TSval: milliseconds (1.05 ms units) from a start that differs from tuple to tuple (RFC 7323 5.4, 7.1). */
static __always_inline __u32 timestamp_now(const struct sg_config* c, const struct sg_tuple* tuple) {
    return now_milliseconds() + (__u32)(tuple_secret(c, tuple) >> 32);
}

/* ISN by RFC 6528: a clock of 64 ns ticks, from a start that differs from tuple to tuple. */
static __always_inline __u32 isn_now(const struct sg_config* c, const struct sg_tuple* tuple) {
    return (__u32)(bpf_ktime_get_ns() >> 6) + (__u32)tuple_secret(c, tuple);
}

#endif
