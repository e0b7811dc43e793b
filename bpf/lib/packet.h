/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Reading a received TCP packet in the slow path. The entry program has walked the IP header and left the family and
 * the offset of the TCP header in scratch; everything else is read here, from wherever the bytes are.
 */
#ifndef SLIPGATE_BPF_PACKET_H
#define SLIPGATE_BPF_PACKET_H

#include "checksum.h"

#define SG_L3 ETH_HLEN

static __always_inline __u32 standard_l4(const bool ipv6) {
    return SG_L3 + (ipv6 ? sizeof(struct ipv6hdr) : sizeof(struct iphdr));
}

/* Fills s->packet except `ipv6` and `l4`. Returns 0, or -1 if the headers contradict each other. */
static __always_inline int packet_read(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6) {
    struct sg_packet* p = &s->packet;
    struct ethhdr eth;
    struct tcphdr tcp;
    __u32 l4 = p->l4, end;

    if (bpf_skb_load_bytes(skb, 0, &eth, sizeof(eth))) return -1;
    __builtin_memcpy(p->destination_mac, eth.h_dest, ETH_ALEN);
    __builtin_memcpy(p->source_mac, eth.h_source, ETH_ALEN);
    if (ipv6) {
        struct ipv6hdr ip;
        if (bpf_skb_load_bytes(skb, SG_L3, &ip, sizeof(ip))) return -1;
        __builtin_memcpy(&p->tuple.source, &ip.saddr, sizeof(ip.saddr));
        __builtin_memcpy(&p->tuple.destination, &ip.daddr, sizeof(ip.daddr));
        end = SG_L3 + sizeof(ip) + bpf_ntohs(ip.payload_len);
    } else {
        struct iphdr ip;
        if (bpf_skb_load_bytes(skb, SG_L3, &ip, sizeof(ip))) return -1;
        address_from_ipv4(&p->tuple.source, ip.saddr);
        address_from_ipv4(&p->tuple.destination, ip.daddr);
        end = SG_L3 + bpf_ntohs(ip.tot_len);
    }
    if (bpf_skb_load_bytes(skb, l4, &tcp, sizeof(tcp))) return -1;
    p->tuple.source_port = tcp.source;
    p->tuple.destination_port = tcp.dest;
    p->seq = bpf_ntohl(tcp.seq);
    p->ack = bpf_ntohl(tcp.ack_seq);
    p->flags = ((__u8*)&tcp)[13];
    p->window = bpf_ntohs(tcp.window);
    p->header_length = tcp.doff * 4;
    p->payload = l4 + p->header_length;
    if (end > skb->len || p->header_length < sizeof(tcp) || p->payload > end) return -1;
    p->length = end - p->payload; /* without the padding of short Ethernet frames */
    return 0;
}

static __always_inline bool packet_is_partial(struct __sk_buff* skb, __u32 l4) {
    return checksum_is_partial(skb, l4 + offsetof(struct tcphdr, check));
}

/* Verifies the TCP checksum (RFC 9293 3.1) of a packet that is not CHECKSUM_PARTIAL. */
static __always_inline bool packet_checksum_ok(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6) {
    const struct sg_packet* p = &s->packet;
    __u32 tcp_length = p->header_length + p->length;
    __u64 pseudo = (__u64)bpf_htonl(tcp_length) + bpf_htonl(IPPROTO_TCP);
    if (ipv6) {
        for (int i = 0; i < 4; i++) pseudo += (__u64)p->tuple.source.word[i] + p->tuple.destination.word[i];
    } else {
        pseudo += (__u64)p->tuple.source.word[3] + p->tuple.destination.word[3];
    }
    return checksum_ok(skb, s, p->l4, p->l4 + tcp_length, pseudo);
}

/*
 * Did the packet in s->packet arrive as it was sent? Asked before it changes any state or is answered: what is made of
 * it gets a good checksum of its own, so nobody behind us would notice. Sets s->packet.partial.
 */
static __always_inline bool packet_intact(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6) {
    s->packet.partial = packet_is_partial(skb, s->packet.l4);
    return s->packet.partial || packet_checksum_ok(skb, s, ipv6);
}

#endif
