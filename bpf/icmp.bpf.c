// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ICMP errors about packets that left here translated: translated back to whoever sent the original, quote included, so
 * that path MTU discovery works end to end. About our SYN to an endpoint: another endpoint is tried at once. Everything
 * else is not ours.
 */
#include "lib/fib.h"
#include "lib/flow.h"
#include "lib/openings.h"
#include "lib/packet.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define SG_ICMP_HEADER 8

/* The quoted packet, as far as RFC 792 guarantees it: IP header without options and 8 bytes of TCP. */
struct quote4 {
    struct iphdr ip;
    __be16 source_port, destination_port;
    __be32 seq;
};

struct quote6 {
    struct ipv6hdr ip;
    __be16 source_port, destination_port;
    __be32 seq;
};

/* Destination unreachable, packet too big, time exceeded, parameter problem: everything that is an error. */
static __always_inline bool is_error(const bool ipv6, __u8 type) {
    return ipv6 ? type >= 1 && type <= 4 : type == 3 || type == 11 || type == 12;
}

static __always_inline bool is_unreachable(const bool ipv6, __u8 type, __u8 code) {
    return ipv6 ? type == 1 : type == 3 && code != 4; /* code 4: fragmentation needed */
}

/* An endpoint that cannot be reached: as if it had refused. */
static __always_inline int endpoint_unreachable(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6,
                                                struct sg_flow* down, __u32 seq) {
    struct sg_config* c = get_config();
    struct sg_tuple *client = &s->tuples[2], *out = &s->tuples[0];
    flow_out(ipv6, down, out);
    tuple_reverse(client, out);
    struct sg_flow* up = flow_find(ipv6, client);
    if (!c || !up || up->state != SG_FLOW_CONNECTING || seq + 1 != up->seq_end + up->seq_delta) return DROP(connecting);
    s->opening = opening_find(c, client);
    struct sg_opening* o = opening_at(s->opening);
    if (!o || !opening_claim(o, now_milliseconds())) return DROP(connecting);
    if (!tuple_equal(&o->client, client) || o->our_port != up->source_port) {
        opening_release(o);
        return DROP(connecting);
    }
    COUNT(endpoint_rst);
    connection_remove(ipv6, client, up, SG_FLOW_CONNECTING, 0);
    s->packet.tuple = s->tuples[1]; /* of no client: the answer goes by the routing table */
    s->packet.l4 = standard_l4(ipv6);
    s->connect_mode = SG_CONNECT_OTHER;
    bpf_tail_call(skb, &programs, SG_PROGRAM_CONNECT);
    opening_release(o);
    return DROP(internal);
}

static __always_inline int translate4(struct __sk_buff* skb, struct sg_flow* flow, __u32 icmp, struct quote4* quote) {
    struct quote4 old = *quote;
    struct iphdr ip;
    struct sg_flow4* flow4 = (struct sg_flow4*)flow;
    if (bpf_skb_load_bytes(skb, SG_L3, &ip, sizeof(ip))) return DROP(bad_header);
    if (ip.ttl <= 1) return DROP(ttl_expired);

    /* the quote as its sender sent it */
    quote->ip.saddr = flow4->destination;
    quote->ip.daddr = flow4->source;
    quote->source_port = flow->destination_port;
    quote->destination_port = flow->source_port;
    quote->seq = bpf_htonl(bpf_ntohl(quote->seq) + flow->ack_delta);
    quote->ip.check = ~fold16((__u64)(__u16)~quote->ip.check + (__u32)~old.ip.saddr + (__u32)~old.ip.daddr +
                              quote->ip.saddr + quote->ip.daddr);
    __s64 difference = bpf_csum_diff((__be32*)&old, sizeof(old), (__be32*)quote, sizeof(*quote), 0);

    ip.daddr = flow4->destination;
    ip.ttl--;
    ip.check = 0;
    __u32 options = (icmp - SG_L3) - sizeof(ip);
    if (options) return DROP(bad_header); /* an error with IP options of its own */
    ip.check = ~fold16((__u32)bpf_csum_diff(0, 0, (__be32*)&ip, sizeof(ip), 0));
    if (bpf_skb_store_bytes(skb, SG_L3, &ip, sizeof(ip), 0) ||
        bpf_skb_store_bytes(skb, icmp + SG_ICMP_HEADER, quote, sizeof(*quote), 0)) {
        return DROP(rebuild_failed);
    }
    bpf_l4_csum_replace(skb, icmp + 2, 0, fold32((__u32)difference), 0);
    return 0;
}

static __always_inline int translate6(struct __sk_buff* skb, struct sg_flow* flow, __u32 icmp, struct quote6* quote) {
    struct quote6 old = *quote;
    struct ipv6hdr ip;
    struct sg_flow6* flow6 = (struct sg_flow6*)flow;
    if (bpf_skb_load_bytes(skb, SG_L3, &ip, sizeof(ip))) return DROP(bad_header);
    if (ip.hop_limit <= 1) return DROP(ttl_expired);
    if (icmp != standard_l4(true)) return DROP(bad_header);

    __builtin_memcpy(&quote->ip.saddr, &flow6->destination, 16);
    __builtin_memcpy(&quote->ip.daddr, &flow6->source, 16);
    quote->source_port = flow->destination_port;
    quote->destination_port = flow->source_port;
    quote->seq = bpf_htonl(bpf_ntohl(quote->seq) + flow->ack_delta);
    __s64 difference = bpf_csum_diff((__be32*)&old, sizeof(old), (__be32*)quote, sizeof(*quote), 0);
    __s64 address = bpf_csum_diff((__be32*)&ip.daddr, 16, flow6->destination.word, 16, 0);
    __builtin_memcpy(&ip.daddr, &flow6->destination, 16);
    ip.hop_limit--;
    if (bpf_skb_store_bytes(skb, SG_L3, &ip, sizeof(ip), 0) ||
        bpf_skb_store_bytes(skb, icmp + SG_ICMP_HEADER, quote, sizeof(*quote), 0)) {
        return DROP(rebuild_failed);
    }
    bpf_l4_csum_replace(skb, icmp + 2, 0, fold32((__u32)difference), 0);
    bpf_l4_csum_replace(skb, icmp + 2, 0, fold32((__u32)address), BPF_F_PSEUDO_HDR);
    return 0;
}

static __always_inline int icmp_error(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6) {
    __u32 at = s->packet.l4;
    __u8 header[4];
    struct quote4 quote4;
    struct quote6 quote6;
    struct sg_tuple* reply = &s->tuples[1]; /* what an answer to the quoted packet looks like */
    __u32 seq;

    if (bpf_skb_load_bytes(skb, at, header, sizeof(header)) || !is_error(ipv6, header[0])) return TC_ACT_UNSPEC;
    if (ipv6) {
        if (bpf_skb_load_bytes(skb, at + SG_ICMP_HEADER, &quote6, sizeof(quote6)) || quote6.ip.nexthdr != IPPROTO_TCP)
            return TC_ACT_UNSPEC;
        __builtin_memcpy(&reply->source, &quote6.ip.daddr, 16);
        __builtin_memcpy(&reply->destination, &quote6.ip.saddr, 16);
        reply->source_port = quote6.destination_port;
        reply->destination_port = quote6.source_port;
        seq = bpf_ntohl(quote6.seq);
    } else {
        if (bpf_skb_load_bytes(skb, at + SG_ICMP_HEADER, &quote4, sizeof(quote4)) ||
            quote4.ip.protocol != IPPROTO_TCP || quote4.ip.ihl != 5) {
            return TC_ACT_UNSPEC;
        }
        address_from_ipv4(&reply->source, quote4.ip.daddr);
        address_from_ipv4(&reply->destination, quote4.ip.saddr);
        reply->source_port = quote4.destination_port;
        reply->destination_port = quote4.source_port;
        seq = bpf_ntohl(quote4.seq);
    }
    struct sg_flow* flow = flow_find(ipv6, reply);
    if (!flow) return TC_ACT_UNSPEC;
    if (flow->state == SG_FLOW_CONNECTING) {
        if (!(flow->flags & SG_FLOW_TO_CLIENT) || !is_unreachable(ipv6, header[0], header[1])) return DROP(connecting);
        return endpoint_unreachable(skb, s, ipv6, flow, seq);
    }
    if (flow->state == SG_FLOW_DEAD) return DROP(dead_flow);
    int action = ipv6 ? translate6(skb, flow, at, &quote6) : translate4(skb, flow, at, &quote4);
    if (action) return action;
    bpf_skb_store_bytes(skb, 0, flow->destination_mac, ETH_ALEN, 0);
    bpf_skb_store_bytes(skb, ETH_ALEN, flow->source_mac, ETH_ALEN, 0);
    COUNT(icmp_translated);
    return fib_send(flow);
}

SEC("tc")
int icmp(struct __sk_buff* skb) {
    struct sg_scratch* s = get_scratch();
    if (!s) return TC_ACT_UNSPEC;
    return s->packet.ipv6 ? icmp_error(skb, s, true) : icmp_error(skb, s, false);
}
