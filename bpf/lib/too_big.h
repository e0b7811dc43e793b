/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets that exceed the MTU of their way out. bpf_redirect() neither fragments nor answers, and most interfaces drop
 * them in silence: so the sender must be told here, or the connection stalls.
 */
#ifndef SLIPGATE_BPF_TOO_BIG_H
#define SLIPGATE_BPF_TOO_BIG_H

#include "common.h"

/* Of a packet longer than `mtu`: will it be so on the wire, too? One to be segmented (GSO) leaves in smaller ones, each
 * with its `headers` bytes of IP and TCP header. */
static __always_inline bool exceeds_mtu(const struct __sk_buff* skb, __u32 mtu, __u32 headers) {
    return !skb->gso_size || skb->gso_size + headers > mtu;
}

/* Drops the packet, which is as its sender sent it, and tells the sender. */
static __always_inline int too_big(struct __sk_buff* skb, const bool ipv6, __u32 l4, __u32 mtu) {
    struct sg_scratch* s = get_scratch();
    if (s) s->mtu = mtu;
    return JUMP(SG_PROGRAM_TOO_BIG);
}

#endif
