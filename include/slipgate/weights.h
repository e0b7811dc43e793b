/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The weighted choice: weights are kept as running totals, a draw below the last total falls to the first entry whose
 * total exceeds it. Exact for weights that sum to at most 16 * 1,000,000 (Gateway API: 16 backendRefs, weight up to
 * 10^6): the bias of the modulo is below 2^-40.
 */
#ifndef SLIPGATE_WEIGHTS_H
#define SLIPGATE_WEIGHTS_H

#include <slipgate/portable.h>

#define SG_BACKEND_REFS_MAX 16 /* backendRefs of a TLSRoute rule */

/* A draw in [0, total) from 64 random bits; total > 0. */
SG_INLINE __u32 sg_weight_draw(__u64 random, __u32 total) {
    return (__u32)(random % total);
}

/* Does the entry with this running total take the draw? Entries are asked in order; weight 0 never does. */
SG_INLINE int sg_weight_takes(__u32 running_total, __u32 draw) {
    return draw < running_total;
}

#endif
