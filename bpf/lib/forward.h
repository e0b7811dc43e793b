/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The established path: translate one packet and send it on. Everything a packet costs after the handshake is in this
 * file.
 *
 * Checksums are never verified here: they are updated by the difference (RFC 1624), so that corruption on the way in is
 * still corruption on the way out. Two differences are kept apart, because the kernel ignores the second one when the
 * checksum is still to be computed (CHECKSUM_PARTIAL): that of the addresses, which are in the pseudo header, and that
 * of all else.
 */
#ifndef SLIPGATE_BPF_FORWARD_H
#define SLIPGATE_BPF_FORWARD_H

#include "close.h"
#include "fib.h"
#include "option_walk.h"
#include "too_big.h"

/* Adds "old becomes new" to a checksum difference. */
#define SG_DIFF(sum, old, new) ((sum) += (__u64)(__u32) ~(__u32)(old) + (__u32)(new))
#define SG_DIFF16(sum, old, new) ((sum) += (__u64)(__u16) ~(__u16)(old) + (__u16)(new))

/* The TCP options as nearly every stack lays them out: timestamps, then SACK, each behind two NOPs. */
struct option_layout {
    bool timestamps;
    __u32 sack_words; /* edges, 4 bytes each */
    bool unusual;
};

static __always_inline struct option_layout option_layout(const struct tcphdr* tcp, const void* end, __u32 words) {
    struct option_layout layout = {};
    const __be32* word = (const void*)(tcp + 1);
    if (words >= 3 && (const void*)(word + 3) <= end && word[0] == bpf_htonl(0x0101080a)) {
        layout.timestamps = true;
        word += 3;
        words -= 3;
    }
    if (words == 0) return layout;
    if (words >= 3 && words <= 9 && (const void*)(word + 1) <= end &&
        word[0] == bpf_htonl(0x01010500 | (2 + (words - 1) * 4))) {
        layout.sack_words = SG_CLAMP(words - 1, 2, 8); /* the bound of translate_options()'s loop */
        return layout;
    }
    layout.unusual = true;
    return layout;
}

/* Translates timestamps and SACK edges in the usual layout. Returns the checksum difference. */
static __always_inline __u64 translate_options(const struct sg_flow* flow, struct tcphdr* tcp, const void* end,
                                               struct option_layout layout) {
    __be32* word = (void*)(tcp + 1);
    __u64 sum = 0;
    if (layout.timestamps && (void*)(word + 3) <= end) {
        __be32 tsval = bpf_htonl(bpf_ntohl(word[1]) + flow->tsval_delta);
        SG_DIFF(sum, word[1], tsval);
        word[1] = tsval;
        if (word[2]) { /* zero: nothing to echo yet (RFC 7323 3.2) */
            __be32 tsecr = bpf_htonl(bpf_ntohl(word[2]) + flow->tsecr_delta);
            SG_DIFF(sum, word[2], tsecr);
            word[2] = tsecr;
        }
        word += 3;
    }
    for (__u32 i = 0; i < layout.sack_words; i++) {
        word++;
        if ((void*)(word + 1) > end) break;
        __be32 edge = bpf_htonl(bpf_ntohl(*word) + flow->ack_delta);
        SG_DIFF(sum, *word, edge);
        *word = edge;
    }
    return sum;
}

/* Sequence numbers, window and ports. Returns the checksum difference. */
static __always_inline __u64 translate_header(const struct sg_flow* flow, struct tcphdr* tcp, __u32 flags) {
    __u64 sum = 0;
    __be32 seq = bpf_htonl(bpf_ntohl(tcp->seq) + flow->seq_delta);
    SG_DIFF(sum, tcp->seq, seq);
    tcp->seq = seq;
    if (flags & SG_ACK) {
        __be32 ack = bpf_htonl(bpf_ntohl(tcp->ack_seq) + flow->ack_delta);
        SG_DIFF(sum, tcp->ack_seq, ack);
        tcp->ack_seq = ack;
    }
    if (flow->window_shift && !(flags & SG_SYN)) { /* never scaled in a SYN (RFC 7323 2.2) */
        __be16 window = bpf_htons(shift_window(bpf_ntohs(tcp->window), flow->window_shift));
        SG_DIFF16(sum, tcp->window, window);
        tcp->window = window;
    }
    SG_DIFF16(sum, tcp->source, flow->source_port);
    SG_DIFF16(sum, tcp->dest, flow->destination_port);
    tcp->source = flow->source_port;
    tcp->dest = flow->destination_port;
    return sum;
}

/* New addresses, one hop less. Returns the difference of the addresses. */
static __always_inline __u32 translate_ipv4(struct iphdr* ip, __be32 source, __be32 destination) {
    __u64 addresses = 0, sum = (__u16)~ip->check;
    SG_DIFF(addresses, ip->saddr, source);
    SG_DIFF(addresses, ip->daddr, destination);
    __be16 old = *(__be16*)&ip->ttl;
    ip->ttl--;
    SG_DIFF16(sum, old, *(__be16*)&ip->ttl);
    ip->saddr = source;
    ip->daddr = destination;
    ip->check = ~fold16(fold32(sum + fold32(addresses)));
    return fold32(addresses);
}

static __always_inline __u32 translate_ipv6(struct ipv6hdr* ip, const __be32* source, const __be32* destination) {
    __u64 addresses = 0;
    ip->hop_limit--;
#pragma unroll
    for (int i = 0; i < 4; i++) {
        SG_DIFF(addresses, ip->saddr.s6_addr32[i], source[i]);
        SG_DIFF(addresses, ip->daddr.s6_addr32[i], destination[i]);
        ip->saddr.s6_addr32[i] = source[i];
        ip->daddr.s6_addr32[i] = destination[i];
    }
    return fold32(addresses);
}

static __always_inline void update_checksum(struct __sk_buff* skb, const bool ipv6, __u32 l4, __u32 addresses,
                                            __u64 rest) {
    __u32 at = l4 + offsetof(struct tcphdr, check);
    bpf_l4_csum_replace(skb, at, 0, fold32(rest), 0);
    replace_addresses_sum(skb, ipv6, at, addresses);
}

/* Translates the packet with its TCP header at `l4`, whose flow this is, and sends it on. Addresses: v4 one word, v6
 * four. */
static __always_inline int forward(struct __sk_buff* skb, struct sg_flow* flow, const bool ipv6, __u32 l4,
                                   const __be32* source, const __be32* destination) {
    void *data = (void*)(long)skb->data, *end = (void*)(long)skb->data_end;
    struct tcphdr* tcp = data + l4;
    if (data + standard_l4(ipv6) > end || (void*)(tcp + 1) > end) return DROP(bad_header);
    __u32 header = tcp->doff * 4;
    if (header < sizeof(*tcp) || l4 + header > skb->len) return DROP(bad_header);
    if ((void*)tcp + header > end) {
        if (bpf_skb_pull_data(skb, l4 + header)) return DROP(bad_header);
        data = (void*)(long)skb->data;
        end = (void*)(long)skb->data_end;
        tcp = data + l4;
        if (data + standard_l4(ipv6) > end || (void*)(tcp + 1) > end) return DROP(bad_header);
    }
    const __u32 flags = ((__u8*)tcp)[13];
    const __u32 now = now_seconds();

    /* What the packet carries, by the IP header: frames may be padded. A length of 0 means all of the frame, if that is
     * more than the field can say (BIG TCP). */
    const __u32 counted_from = SG_L3 + (ipv6 ? sizeof(struct ipv6hdr) : 0);
    __u32 ip_length = ipv6 ? bpf_ntohs(((struct ipv6hdr*)(data + SG_L3))->payload_len)
                           : bpf_ntohs(((struct iphdr*)(data + SG_L3))->tot_len);
    __u32 total = ip_length || skb->len <= counted_from + 0xffff ? counted_from + ip_length : skb->len;
    if (l4 + header > total || total > skb->len) return DROP(bad_header);
    struct segment segment = {
        .seq = bpf_ntohl(tcp->seq),
        .ack = bpf_ntohl(tcp->ack_seq),
        .length = total - l4 - header,
        .flags = flags,
    };

    if (flow->seen != now) {
        flow->seen = now;
        if (!(flags & SG_SYN)) flow->flags &= ~SG_FLOW_SYN; /* whoever sent that SYN, this connection goes on */
        if (fib_resolve(skb, ipv6, flow, source, destination) && flow->mtu) COUNT(fib_fallback);
    }
    if (total - SG_L3 > flow->mtu && exceeds_mtu(skb, flow->mtu, l4 + header - SG_L3))
        return too_big(skb, ipv6, l4, flow->mtu);
    __u32 hops = ipv6 ? ((struct ipv6hdr*)(data + SG_L3))->hop_limit : ((struct iphdr*)(data + SG_L3))->ttl;
    if (hops <= 1) return DROP(ttl_expired);
    if (flags & (SG_FIN | SG_RST) || flow->state == SG_FLOW_CLOSING) {
        struct sg_tuple out = {.source_port = flow->source_port, .destination_port = flow->destination_port};
        struct sg_tuple in = {.source_port = tcp->source, .destination_port = tcp->dest};
        if (ipv6) {
            struct ipv6hdr* ip = data + SG_L3;
            __builtin_memcpy(&out.source, source, 16);
            __builtin_memcpy(&out.destination, destination, 16);
            __builtin_memcpy(&in.source, &ip->saddr, 16);
            __builtin_memcpy(&in.destination, &ip->daddr, 16);
        } else {
            struct iphdr* ip = data + SG_L3;
            address_from_ipv4(&out.source, *source);
            address_from_ipv4(&out.destination, *destination);
            address_from_ipv4(&in.source, ip->saddr);
            address_from_ipv4(&in.destination, ip->daddr);
        }
        watch_closing(ipv6, flow, &in, &out, &segment, now);
    }
    track_segment(flow, &segment);

    struct option_layout layout = option_layout(tcp, end, (header - sizeof(*tcp)) / 4);
    __u64 rest = 0;
    if (layout.unusual) {
        rest = option_walk(skb, flow, l4 + sizeof(*tcp), header - sizeof(*tcp));
        data = (void*)(long)skb->data;
        end = (void*)(long)skb->data_end;
        tcp = data + l4;
        if (data + standard_l4(ipv6) > end || (void*)(tcp + 1) > end) return DROP(bad_header);
    } else {
        rest = translate_options(flow, tcp, end, layout);
    }
    rest += translate_header(flow, tcp, flags);
    __u32 addresses =
        ipv6 ? translate_ipv6(data + SG_L3, source, destination) : translate_ipv4(data + SG_L3, *source, *destination);
    struct ethhdr* eth = data;
    __builtin_memcpy(eth->h_dest, flow->destination_mac, ETH_ALEN);
    __builtin_memcpy(eth->h_source, flow->source_mac, ETH_ALEN);
    update_checksum(skb, ipv6, l4, addresses, rest);
    return fib_send(flow);
}

#endif
