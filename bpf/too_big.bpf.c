// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Answers a packet that exceeds the MTU of its way out (lib/too_big.h) by ICMP "fragmentation needed" (RFC 792,
 * next-hop MTU of RFC 1191) or ICMPv6 "packet too big" (RFC 4443 3.2). The error comes from the address the packet was
 * sent to: that is who the sender talks to, and no firewall on the way knows any other of our addresses.
 *
 * An IPv4 packet that may be fragmented (DF is off) is answered all the same: there is nobody here who could fragment
 * it, and TCP that learns of the MTU sends smaller segments with and without DF.
 */
#include "lib/build.h"
#include "lib/limit.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define SG_ICMP_PER_SECOND 1000 /* on each CPU; as net.ipv4.icmp_msgs_per_sec */
#define SG_MTU_MIN 68           /* RFC 791 3.2 */

struct icmp_too_big {
    __u8 type, code;
    __sum16 checksum;
    union {
        struct {
            __be16 zero, mtu;
        } ipv4;
        __be32 ipv6_mtu;
    };
};

/* `length` is a constant. */
static __always_inline __u64 quote_sum(const struct sg_scratch* s, const __u32 length) {
    __u64 sum = 0;
#pragma unroll
    for (__u32 at = 0; at < length; at += SG_CHUNK) {
        const __u32 left = length - at;
        sum += (__u32)bpf_csum_diff(0, 0, (__be32*)&s->quote[at], left < SG_CHUNK ? left : SG_CHUNK, 0);
    }
    return sum;
}

/* Puts Ethernet, IP and ICMP header of an error about s->quote into s->headers. */
static __always_inline void build_error(struct sg_scratch* s, const bool ipv6, const struct ethhdr* eth,
                                        const __u32 length) {
    struct sg_tuple back = {};
    struct icmp_too_big* icmp = (void*)s->headers + standard_l4(ipv6);
    if (ipv6) {
        const struct ipv6hdr* quoted = (const void*)s->quote;
        __builtin_memcpy(&back.source, &quoted->daddr, sizeof(back.source));
        __builtin_memcpy(&back.destination, &quoted->saddr, sizeof(back.destination));
    } else {
        const struct iphdr* quoted = (const void*)s->quote;
        address_from_ipv4(&back.source, quoted->daddr);
        address_from_ipv4(&back.destination, quoted->saddr);
    }
    build_headers(s, ipv6, &back, eth->h_source, eth->h_dest);
    const __u32 icmp_length = sizeof(*icmp) + length;
    __u64 sum = quote_sum(s, length);
    __builtin_memset(icmp, 0, sizeof(*icmp));
    if (ipv6) {
        struct ipv6hdr* ip = (void*)s->headers + SG_L3;
        ip->nexthdr = IPPROTO_ICMPV6;
        ip->payload_len = bpf_htons(icmp_length);
        icmp->type = 2;
        icmp->ipv6_mtu = bpf_htonl(s->mtu);
        sum += bpf_htonl(icmp_length);
        sum += bpf_htonl(IPPROTO_ICMPV6);
        for (int i = 0; i < 4; i++) sum += (__u64)back.source.word[i] + back.destination.word[i];
    } else {
        struct iphdr* ip = (void*)s->headers + SG_L3;
        ip->protocol = IPPROTO_ICMP;
        ip->frag_off = 0;
        ip->tot_len = bpf_htons(sizeof(*ip) + icmp_length);
        ip->check = 0;
        ip->check = ~fold16((__u32)bpf_csum_diff(0, 0, (__be32*)ip, sizeof(*ip), 0));
        icmp->type = 3;
        icmp->code = 4;
        icmp->ipv4.mtu = bpf_htons(s->mtu);
    }
    sum += (__u32)bpf_csum_diff(0, 0, (__be32*)icmp, sizeof(*icmp), 0);
    icmp->checksum = ~fold16(sum);
}

/* Turns the packet into an error that quotes its first `length` bytes, a constant. */
static __always_inline int answer(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6, const __u32 length) {
    const __u32 headers = standard_l4(ipv6) + sizeof(struct icmp_too_big);
    struct ethhdr eth;
    if (bpf_skb_load_bytes(skb, 0, &eth, sizeof(eth)) || bpf_skb_load_bytes(skb, SG_L3, s->quote, length))
        return DROP(bad_header);
    build_error(s, ipv6, &eth, length);
    /*
     * A checksum that was left to the kernel or the NIC (CHECKSUM_PARTIAL) would be put where the TCP header was. It is
     * forgotten when the TCP header's begin is cut off (skb_postpull_rcsum()).
     */
    __s32 cut = s->packet.l4 + 4;
    if (bpf_skb_adjust_room(skb, -cut, BPF_ADJ_ROOM_MAC, BPF_F_ADJ_ROOM_FIXED_GSO) ||
        bpf_skb_change_tail(skb, headers + length, 0) || bpf_skb_store_bytes(skb, 0, s->headers, headers, 0) ||
        bpf_skb_store_bytes(skb, headers, s->quote, length, 0)) {
        return DROP(rebuild_failed);
    }
    COUNT(too_big);
    return send_back(skb);
}

SEC("tc")
int too_big(struct __sk_buff* skb) {
    struct sg_scratch* s = get_scratch();
    if (!s) return DROP(internal);
    if (s->mtu < SG_MTU_MIN) return DROP(fib_failed); /* the way out is not known */
    if (!bucket_take(SG_BUCKET_ICMP, SG_ICMP_PER_SECOND)) return DROP(too_big_limited);
    if (s->packet.ipv6) return answer(skb, s, true, SG_QUOTE_IPV6);
    if (skb->len >= SG_L3 + SG_QUOTE_IPV4) return answer(skb, s, false, SG_QUOTE_IPV4);
    return answer(skb, s, false, SG_MTU_MIN); /* any IP header and the 8 bytes that RFC 792 asks for */
}
