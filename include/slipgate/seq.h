/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sequence number comparison, modulo 2^32 (RFC 9293 3.4). Host byte order. */
#ifndef SLIPGATE_SEQ_H
#define SLIPGATE_SEQ_H

#include <slipgate/portable.h>

SG_INLINE int sg_seq_before(__u32 a, __u32 b) {
    return (__s32)(a - b) < 0;
}

/* low <= seq <= high */
SG_INLINE int sg_seq_between(__u32 seq, __u32 low, __u32 high) {
    return high - low >= seq - low;
}

#endif
