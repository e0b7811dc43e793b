/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Verifying the checksum of a received TCP segment or ICMP message, wherever its bytes are. */
#ifndef SLIPGATE_BPF_CHECKSUM_H
#define SLIPGATE_BPF_CHECKSUM_H

#include "common.h"

/*
 * Is the packet CHECKSUM_PARTIAL, the checksum at offset `at` still to be filled in by the kernel or the NIC? A program
 * cannot see ip_summed, but inet_proto_csum_replace_by_diff() (net/core/utils.c) leaves such a checksum alone when a
 * change is not of the pseudo header: so change, look, and put back.
 */
static __always_inline bool checksum_is_partial(struct __sk_buff* skb, __u32 at) {
    __u16 original = 0, changed = 0;
    const __u16 probe = 0x1234; /* zero is special to the helper */
    if (bpf_skb_load_bytes(skb, at, &original, sizeof(original))) return false;
    if (bpf_skb_store_bytes(skb, at, &probe, sizeof(probe), 0)) return false;
    bpf_l4_csum_replace(skb, at, 0, 0x0101, 0);
    bpf_skb_load_bytes(skb, at, &changed, sizeof(changed));
    bpf_skb_store_bytes(skb, at, &original, sizeof(original), 0);
    return changed == probe;
}

struct checksum_loop {
    struct __sk_buff* skb;
    struct sg_scratch* s;
    __u32 at, end;
    __u64 sum;
    int error;
};

static long checksum_chunk(__u32 index, struct checksum_loop* loop) {
    __u32 left = loop->end - loop->at, words = SG_CHUNK;
    if (loop->at >= loop->end) return 1;
    if (left < SG_CHUNK) { /* the last one to three bytes are padded with zeros (RFC 9293 3.1) */
        words = SG_CLAMP((left + 3) & ~3U, 4, SG_CHUNK);
        *(__u32*)&loop->s->chunk[(words - 4) & (SG_CHUNK - 4)] = 0;
    }
    left = SG_CLAMP(left, 1, SG_CHUNK);
    if (bpf_skb_load_bytes(loop->skb, loop->at, loop->s->chunk, left)) {
        loop->error = 1;
        return 1;
    }
    loop->sum += (__u32)bpf_csum_diff(0, 0, (__be32*)loop->s->chunk, words, 0);
    loop->at += SG_CHUNK;
    return 0;
}

/* Is the checksum over the bytes [from, end) of the frame right? `pseudo` is the sum of the pseudo header, 0 if there
 * is none. Not for CHECKSUM_PARTIAL. */
static __always_inline bool checksum_ok(struct __sk_buff* skb, struct sg_scratch* s, __u32 from, __u32 end,
                                        __u64 pseudo) {
    struct checksum_loop loop = {.skb = skb, .s = s, .at = from, .end = end, .sum = pseudo};
    bpf_loop(65536 / SG_CHUNK + 1, checksum_chunk, &loop, 0);
    return !loop.error && fold16(loop.sum) == 0xffff;
}

#endif
