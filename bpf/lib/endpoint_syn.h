/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The SYN to the endpoint of an opening, made of the packet at hand. */
#ifndef SLIPGATE_BPF_ENDPOINT_SYN_H
#define SLIPGATE_BPF_ENDPOINT_SYN_H

#include "build.h"
#include "fib.h"
#include "flow.h"

/*
 * Our SYN carries the client's own options, so that both ends agree on them: its window scale, SACK, and an MSS that
 * fits both. ECN, TCP fast open, MPTCP and the rest are not offered.
 */
static __always_inline int endpoint_syn(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6,
                                        const struct sg_opening* o, struct sg_flow* up) {
    struct sg_tuple* out = &s->tuples[0];
    flow_out(ipv6, up, out);
    build_headers(s, ipv6, out, up->destination_mac, up->source_mac);
    build_tcp(s, ipv6, o->our_isn, 0, SG_SYN, 0xffff);
    struct sg_offer offer = {
        .mss = o->endpoint.mss && o->endpoint.mss < o->mss ? o->endpoint.mss : o->mss,
        .window_scale = o->window_scale,
        .sack = o->sack,
        .timestamps = o->timestamps,
        .tsval = o->our_tsval,
        .tsecr = 0,
    };
    __u32 length = options_write(build_options(s, ipv6), &offer);
    if (build_send(skb, s, ipv6, length, NULL, 0, 0)) return DROP(rebuild_failed);
    COUNT(endpoint_syn);
    return fib_send_probing(up);
}

#endif
