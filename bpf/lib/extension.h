/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SLIPGATE_BPF_EXTENSION_H
#define SLIPGATE_BPF_EXTENSION_H

#include "common.h"

#define SG_EXTENSIONS_MAX 512 /* headers: the stack knows no limit, and it must not see what we do not */

struct extension_walk {
    struct __sk_buff* skb;
    __u32 at, next; /* offset and kind of the header at hand */
    __u32 fragment; /* a fragment header was among them */
};

static __always_inline bool is_extension(__u32 next) {
    return next == IPPROTO_HOPOPTS || next == IPPROTO_DSTOPTS || next == IPPROTO_ROUTING || next == IPPROTO_FRAGMENT;
}

static long extension_step(__u32 index, struct extension_walk* walk) {
    __u8 header[4]; /* next header, length; routing: type, segments left; fragment: offset */
    __u32 kind = walk->next;
    if (!is_extension(kind)) return 1;
    walk->next = IPPROTO_NONE; /* unless the step is done */
    if (bpf_skb_load_bytes(walk->skb, walk->at, header, sizeof(header))) return 1;
    if (kind == IPPROTO_ROUTING && header[3]) return 1; /* on its way to yet another address */
    if (kind == IPPROTO_FRAGMENT) {
        if (header[2] || header[3] & 0xf8) return 1; /* later fragments: the first one was dropped */
        walk->fragment = 1;
        header[1] = 0; /* reserved here; the header has 8 bytes */
    }
    walk->at += (header[1] + 1) * 8;
    walk->next = header[0];
    return 0;
}

/*
 * Walks extension headers (RFC 8200 4) from `at`, where a header of kind `next` begins, to the TCP or ICMPv6 header.
 * Returns its offset, 0 if there is none for us.
 */
static __always_inline __u32 ipv6_l4(struct __sk_buff* skb, __u32 at, __u32 next, bool* fragment, bool* icmp) {
    if (next == IPPROTO_TCP) return at;
    struct extension_walk walk = {.skb = skb, .at = at, .next = next};
    if (is_extension(next)) bpf_loop(SG_EXTENSIONS_MAX, extension_step, &walk, 0);
    *fragment = walk.fragment;
    *icmp = walk.next == IPPROTO_ICMPV6;
    return *icmp || walk.next == IPPROTO_TCP ? walk.at : 0;
}

#endif
