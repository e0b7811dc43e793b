/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* RSTs for packets that belong to no connection of ours (RFC 9293 3.5.2). */
#ifndef SLIPGATE_BPF_RESET_H
#define SLIPGATE_BPF_RESET_H

#include "build.h"
#include "limit.h"

static __always_inline bool rst_allowed(void) {
    struct sg_config* c = get_config();
    return c && bucket_take(SG_BUCKET_RST, c->rst_per_second);
}

/* Answers the packet in s->packet, found intact, with a RST, back where it came from, unless it is one itself. */
static __always_inline int reset_unknown(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6) {
    struct sg_packet* p = &s->packet;
    struct sg_tuple back;
    if (p->flags & SG_RST) return DROP(rst_unknown);
    if (!rst_allowed()) return DROP(unknown_flow_limited);
    tuple_reverse(&back, &p->tuple);
    build_headers(s, ipv6, &back, p->source_mac, p->destination_mac);
    if (p->flags & SG_ACK) {
        build_tcp(s, ipv6, p->ack, 0, SG_RST, 0);
    } else {
        __u32 end = p->seq + p->length + !!(p->flags & SG_SYN) + !!(p->flags & SG_FIN);
        build_tcp(s, ipv6, 0, end, SG_RST | SG_ACK, 0);
    }
    if (build_send(skb, s, ipv6, 0, NULL, 0, 0)) return DROP(rebuild_failed);
    COUNT(rst_sent);
    return send_back(skb);
}

#endif
