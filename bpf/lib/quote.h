/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The packet that an ICMP error quotes: reading it, and judging whether it can be one that left here. */
#ifndef SLIPGATE_BPF_QUOTE_H
#define SLIPGATE_BPF_QUOTE_H

#include "extension.h"
#include "flow.h"
#include "packet.h"

#define SG_ICMP_HEADER 8

/* As much of the TCP header as RFC 792 guarantees. */
struct quoted_tcp {
    __be16 source_port, destination_port;
    __be32 seq;
};

struct quote {
    __u32 ip, l4; /* offsets in the frame, of the quoted packet's headers */
    struct quoted_tcp tcp;
};

/* Reads the quote of the ICMP error at `icmp`. `reply` is what an answer to the quoted packet looks like. Returns 0, or
 * -1 if it is no TCP segment, or a fragment without its header. */
static __always_inline int quote_read(struct __sk_buff* skb, const bool ipv6, __u32 icmp, struct quote* quote,
                                      struct sg_tuple* reply) {
    quote->ip = icmp + SG_ICMP_HEADER;
    if (ipv6) {
        struct ipv6hdr ip;
        bool fragment = false, is_icmp = false;
        if (bpf_skb_load_bytes(skb, quote->ip, &ip, sizeof(ip))) return -1;
        quote->l4 = ipv6_l4(skb, quote->ip + sizeof(ip), ip.nexthdr, &fragment, &is_icmp);
        if (!quote->l4 || is_icmp) return -1;
        __builtin_memcpy(&reply->source, &ip.daddr, sizeof(reply->source));
        __builtin_memcpy(&reply->destination, &ip.saddr, sizeof(reply->destination));
    } else {
        struct iphdr ip;
        if (bpf_skb_load_bytes(skb, quote->ip, &ip, sizeof(ip))) return -1;
        if (ip.protocol != IPPROTO_TCP || ip.ihl < 5 || ip.frag_off & bpf_htons(0x1fff)) return -1;
        quote->l4 = quote->ip + ip.ihl * 4;
        address_from_ipv4(&reply->source, ip.daddr);
        address_from_ipv4(&reply->destination, ip.saddr);
    }
    if (bpf_skb_load_bytes(skb, quote->l4, &quote->tcp, sizeof(quote->tcp))) return -1;
    reply->source_port = quote->tcp.destination_port;
    reply->destination_port = quote->tcp.source_port;
    return 0;
}

/*
 * Can a segment with this sequence number, as it left here, be on its way? It lies between what the receiver has
 * acknowledged, a keepalive probe's byte before it included, and what was sent (RFC 5927 4.1). `flow` is the receiver's
 * direction. The end of the connection judges by the same rule, and knows more: so where the numbers seen here
 * contradict each other, it alone decides.
 */
static __always_inline bool quote_in_window(const bool ipv6, const struct sg_flow* flow, __u32 seq) {
    struct sg_tuple out, back;
    flow_out(ipv6, flow, &out);
    tuple_reverse(&back, &out);
    const struct sg_flow* sender = flow_find(ipv6, &back);
    if (!sender) return false;
    __u32 acknowledged = flow->ack + flow->ack_delta, end = sender->seq_end; /* as the sender counts */
    if (sg_seq_before(end, acknowledged)) return true;
    return sg_seq_between(seq + flow->ack_delta, acknowledged - 1, end);
}

#endif
