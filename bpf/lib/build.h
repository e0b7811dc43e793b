/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Turning the packet at hand into another one: SYN into SYN-ACK, hello segment into the endpoint's SYN, SYN-ACK into
 * ACK and hello. Headers are put together in scratch, then the packet is cut or grown and overwritten.
 */
#ifndef SLIPGATE_BPF_BUILD_H
#define SLIPGATE_BPF_BUILD_H

#include "opening.h"
#include "options.h"

/* Ethernet, IP and TCP header for a packet with this tuple, into s->headers; lengths and checksums follow in
 * build_send(). */
static __always_inline void build_headers(struct sg_scratch* s, const bool ipv6, const struct sg_tuple* tuple,
                                          const __u8* destination_mac, const __u8* source_mac) {
    struct ethhdr* eth = (void*)s->headers;
    __builtin_memset(s->headers, 0, sizeof(s->headers));
    __builtin_memcpy(eth->h_dest, destination_mac, ETH_ALEN);
    __builtin_memcpy(eth->h_source, source_mac, ETH_ALEN);
    if (ipv6) {
        struct ipv6hdr* ip = (void*)s->headers + SG_L3;
        eth->h_proto = bpf_htons(ETH_P_IPV6);
        ip->version = 6;
        ip->nexthdr = IPPROTO_TCP;
        ip->hop_limit = 64;
        __builtin_memcpy(&ip->saddr, &tuple->source, sizeof(ip->saddr));
        __builtin_memcpy(&ip->daddr, &tuple->destination, sizeof(ip->daddr));
    } else {
        struct iphdr* ip = (void*)s->headers + SG_L3;
        eth->h_proto = bpf_htons(ETH_P_IP);
        ip->version = 4;
        ip->ihl = 5;
        ip->protocol = IPPROTO_TCP;
        ip->ttl = 64;
        ip->frag_off = bpf_htons(0x4000); /* don't fragment: the endpoints do path MTU discovery */
        ip->saddr = tuple->source.word[3];
        ip->daddr = tuple->destination.word[3];
    }
    struct tcphdr* tcp = (void*)s->headers + standard_l4(ipv6);
    tcp->source = tuple->source_port;
    tcp->dest = tuple->destination_port;
}

/* Host order. `window` is the field as it goes on the wire. */
static __always_inline void build_tcp(struct sg_scratch* s, const bool ipv6, __u32 seq, __u32 ack, __u8 flags,
                                      __u16 window) {
    struct tcphdr* tcp = (void*)s->headers + standard_l4(ipv6);
    tcp->seq = bpf_htonl(seq);
    tcp->ack_seq = bpf_htonl(ack);
    ((__u8*)tcp)[13] = flags;
    tcp->window = bpf_htons(window);
}

static __always_inline __u8* build_options(struct sg_scratch* s, const bool ipv6) {
    return s->headers + standard_l4(ipv6) + sizeof(struct tcphdr);
}

/* One's complement sum of data[from .. from + length), `from` a multiple of 4, length at most SG_SEGMENT_MAX. */
static __always_inline __u64 stash_sum(const struct sg_opening* opening, __u32 from, __u32 length) {
    __u64 sum = 0;
#pragma unroll /* the verifier of Linux 6.1 would not see the loop end */
    for (__u32 done = 0; done < SG_SEGMENT_MAX; done += SG_CHUNK) {
        __u32 chunk = length & ~3U;
        if (done >= chunk) break;
        chunk -= done;
        if (chunk > SG_CHUNK) chunk = SG_CHUNK;
        chunk = SG_CLAMP(chunk, 4, SG_CHUNK);
        sum +=
            (__u32)bpf_csum_diff(0, 0, (__be32*)&opening->data[(from + done) & (SG_STASH_BYTES - 4)], chunk & ~3U, 0);
    }
    if (length & 3) { /* the last one to three bytes, padded with zeros (RFC 9293 3.1) */
        __u8 tail[4] = {0, 0, 0, 0};
        __u32 at = from + (length & ~3U);
        tail[0] = opening->data[at & (SG_STASH_BYTES - 1)];
        if ((length & 3) > 1) tail[1] = opening->data[(at + 1) & (SG_STASH_BYTES - 1)];
        if ((length & 3) > 2) tail[2] = opening->data[(at + 2) & (SG_STASH_BYTES - 1)];
        sum += *(__u32*)tail;
    }
    return sum;
}

/*
 * Overwrites skb with the headers in s->headers, `option_length` bytes of TCP options, and opening->data[from .. from +
 * length) as payload (opening may be NULL if length is 0). s->packet.partial says who completes the TCP checksum.
 * Returns 0, or -1 with the packet in an undefined state: drop it.
 */
static __always_inline int build_send(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6, __u32 option_length,
                                      const struct sg_opening* opening, __u32 from, __u32 length) {
    const __u32 l4 = standard_l4(ipv6);
    struct tcphdr* tcp = (void*)s->headers + l4;
    __u32 tcp_header = sizeof(*tcp) + option_length;
    __u64 pseudo;

    if (tcp_header > 60 || length > SG_SEGMENT_MAX || from >= SG_STASH_BYTES) return -1;
    /* With CHECKSUM_PARTIAL the kernel sums from where the TCP header was: it must stay there. */
    if (s->packet.partial && s->packet.l4 != l4) return -1;
    if (bpf_skb_change_tail(skb, l4 + tcp_header + length, 0)) return -1;

    tcp->doff = tcp_header / 4;
    pseudo = bpf_htonl(tcp_header + length);
    pseudo += bpf_htonl(IPPROTO_TCP);
    if (ipv6) {
        struct ipv6hdr* ip = (void*)s->headers + SG_L3;
        ip->payload_len = bpf_htons(tcp_header + length);
        for (int i = 0; i < 4; i++) pseudo += (__u64)ip->saddr.s6_addr32[i] + ip->daddr.s6_addr32[i];
    } else {
        struct iphdr* ip = (void*)s->headers + SG_L3;
        ip->tot_len = bpf_htons(sizeof(*ip) + tcp_header + length);
        pseudo += (__u64)ip->saddr + ip->daddr;
        ip->check = 0;
        ip->check = ~fold16((__u32)bpf_csum_diff(0, 0, (__be32*)ip, sizeof(*ip), 0));
    }
    tcp->check = 0;
    if (s->packet.partial) {
        tcp->check = fold16(pseudo);
    } else {
        __u64 sum = pseudo;
        /* s->headers is zero beyond the options, so a fixed length sums the same */
        sum += (__u32)bpf_csum_diff(0, 0, (__be32*)tcp, 60, 0);
        if (opening && length) sum += stash_sum(opening, from, length);
        tcp->check = ~fold16(sum);
    }
    __u32 headers = l4 + tcp_header;
    headers = SG_CLAMP(headers, 1, SG_HEADERS_MAX); /* never beyond: tcp_header was checked */
    if (bpf_skb_store_bytes(skb, 0, s->headers, headers, 0)) return -1;
    if (opening && length) {
        length = SG_CLAMP(length, 1, SG_SEGMENT_MAX);
        if (bpf_skb_store_bytes(skb, headers, &opening->data[from & (SG_STASH_BYTES - 1)], length, 0)) return -1;
    }
    return 0;
}

/* The packet at hand goes back where it came from: for answers to a client or endpoint on its own link. */
static __always_inline int send_back(struct __sk_buff* skb) {
    return bpf_redirect(skb->ifindex, 0);
}

#endif
