/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which packets without a flow are ours, and from whom none is to be expected. */
#ifndef SLIPGATE_BPF_OURS_H
#define SLIPGATE_BPF_OURS_H

#include <linux/if_packet.h>

#include "common.h"

static __always_inline bool is_to_vip(const struct sg_tuple* in) {
    struct sg_vip_key vip = {.address = in->destination, .port = in->destination_port};
    return bpf_map_lookup_elem(&vips, &vip);
}

/* To one of our addresses towards endpoints, and a port of ours. */
static __always_inline bool is_to_source(const struct sg_tuple* in) {
    struct sg_config* c = get_config();
    __u16 port = bpf_ntohs(in->destination_port);
    return c && port >= c->port_first && port <= c->port_last && bpf_map_lookup_elem(&sources, &in->destination);
}

/*
 * Is this a packet nobody is to be answered for: from an address that no sender has (RFC 1122 3.2.1.3, RFC 4291 2.5 to
 * 2.7; IPv4-mapped ones never appear on a link), from the address it is sent to, or in a frame for many receivers (RFC
 * 1122 3.3.6)?
 */
static __always_inline bool is_martian(const struct __sk_buff* skb, const bool ipv6, const struct sg_tuple* in) {
    const __be32* word = in->source.word;
    if (skb->pkt_type == PACKET_BROADCAST || skb->pkt_type == PACKET_MULTICAST) return true;
    if (address_equal(&in->source, &in->destination)) return true;
    if (ipv6) {
        if ((bpf_ntohl(word[0]) >> 24) == 0xff) return true;
        if (word[0] || word[1]) return false;
        return word[2] == bpf_htonl(0xffff) || (!word[2] && bpf_ntohl(word[3]) <= 1);
    }
    __u32 first = bpf_ntohl(word[3]) >> 24;
    return first == 0 || first == 127 || (first & 0xf0) == 224 || word[3] == 0xffffffff;
}

#endif
