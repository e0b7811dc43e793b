/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SLIPGATE_BPF_EXTENSION_H
#define SLIPGATE_BPF_EXTENSION_H

#include "common.h"

/*
 * Walks hop-by-hop and destination options (RFC 8200 4) from `at`, where a header of kind `next` begins, to the TCP or
 * ICMPv6 header. Returns its offset, 0 if there is none for us.
 */
static __always_inline __u32 ipv6_l4(struct __sk_buff* skb, __u32 at, __u32 next, bool* fragment, bool* icmp) {
#pragma unroll
    for (int i = 0; i < 4; i++) {
        __u8 header[4];
        if (next == IPPROTO_TCP) return at;
        if (next == IPPROTO_ICMPV6) {
            *icmp = true;
            return at;
        }
        if (bpf_skb_load_bytes(skb, at, header, sizeof(header))) return 0;
        if (next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS) {
            at += (header[1] + 1) * 8;
        } else if (next == IPPROTO_FRAGMENT) {
            if (header[2] || header[3] & 0xf8) return 0; /* later fragments: the first one was dropped */
            *fragment = true;
            at += 8;
        } else {
            return 0;
        }
        next = header[0];
    }
    return next == IPPROTO_TCP ? at : 0;
}

#endif
