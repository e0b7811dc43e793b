// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * ICMP errors about packets that left here translated: translated back to whoever sent the original, quote included, so
 * that path MTU discovery works end to end. About our SYN to an endpoint: another endpoint is tried at once. Everything
 * else is not ours.
 *
 * The error leaves with the address its receiver was talking to as its source (RFC 5508 4.2): the router that sent it
 * may have one that cannot be seen, or is filtered, on the other side.
 */
#include "lib/fib.h"
#include "lib/openings.h"
#include "lib/quote.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* Destination unreachable, packet too big, time exceeded, parameter problem: everything that is an error. */
static __always_inline bool is_error(const bool ipv6, __u8 type) {
    return ipv6 ? type >= 1 && type <= 4 : type == 3 || type == 11 || type == 12;
}

static __always_inline bool is_unreachable(const bool ipv6, __u8 type, __u8 code) {
    return ipv6 ? type == 1 : type == 3 && code != 4; /* code 4: fragmentation needed */
}

/* Where the ICMP message ends, by the IP header: frames may be padded. 0 if the frame is shorter. */
static __always_inline __u32 message_end(struct __sk_buff* skb, const bool ipv6) {
    const __u32 at = SG_L3 + (ipv6 ? offsetof(struct ipv6hdr, payload_len) : offsetof(struct iphdr, tot_len));
    __be16 length = 0;
    bpf_skb_load_bytes(skb, at, &length, sizeof(length));
    __u32 end = SG_L3 + (ipv6 ? sizeof(struct ipv6hdr) : 0) + bpf_ntohs(length);
    return end <= skb->len ? end : 0;
}

/* RFC 5508 REQ-3: a spoiled error is neither translated nor acted on. Only ICMPv6 sums a pseudo header (RFC 4443 2.3).
 */
static __always_inline bool message_intact(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6, __u32 icmp,
                                           __u32 end) {
    __be32 addresses[8];
    __u64 pseudo = 0;
    if (checksum_is_partial(skb, icmp + 2)) return true;
    if (ipv6) {
        if (bpf_skb_load_bytes(skb, SG_L3 + offsetof(struct ipv6hdr, saddr), addresses, sizeof(addresses)))
            return false;
        pseudo = (__u32)bpf_csum_diff(0, 0, addresses, sizeof(addresses), 0);
        pseudo += (__u64)bpf_htonl(end - icmp) + bpf_htonl(IPPROTO_ICMPV6);
    }
    return checksum_ok(skb, s, icmp, end, pseudo);
}

/* An endpoint that cannot be reached: as if it had refused. */
static __always_inline int endpoint_unreachable(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6,
                                                struct sg_flow* down, __u32 seq) {
    struct sg_config* c = get_config();
    struct sg_tuple* client = &s->tuples[2];
    struct sg_flow* up = flow_find_up(ipv6, &s->tuples[1], down, client);
    if (!c || !up || up->state != SG_FLOW_CONNECTING || seq + 1 != up->seq_end + up->seq_delta) return DROP(connecting);
    struct opening_home home = opening_home(c, client);
    s->opening = opening_find(&home, client);
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

/* The quoted TCP header as its sender sent it. */
static __always_inline void restore_tcp(const struct sg_flow* flow, struct quoted_tcp* tcp) {
    tcp->source_port = flow->destination_port;
    tcp->destination_port = flow->source_port;
    tcp->seq = bpf_htonl(bpf_ntohl(tcp->seq) + flow->ack_delta);
}

static __always_inline int translate4(struct __sk_buff* skb, struct sg_flow* flow, __u32 icmp,
                                      const struct quote* quote) {
    struct iphdr outer, old, ip;
    struct quoted_tcp tcp = quote->tcp;
    struct sg_flow4* flow4 = (struct sg_flow4*)flow;
    if (icmp != standard_l4(false)) return DROP(bad_header); /* an error with IP options of its own */
    if (bpf_skb_load_bytes(skb, SG_L3, &outer, sizeof(outer)) || bpf_skb_load_bytes(skb, quote->ip, &old, sizeof(old)))
        return DROP(bad_header);
    if (outer.ttl <= 1) return DROP(ttl_expired);

    ip = old;
    ip.saddr = flow4->destination;
    ip.daddr = flow4->source;
    ip.check = ~fold16((__u64)(__u16)~old.check + (__u32)~old.saddr + (__u32)~old.daddr + ip.saddr + ip.daddr);
    restore_tcp(flow, &tcp);
    __u32 difference = bpf_csum_diff((__be32*)&old, sizeof(old), (__be32*)&ip, sizeof(ip), 0);
    difference = bpf_csum_diff((__be32*)&quote->tcp, sizeof(tcp), (__be32*)&tcp, sizeof(tcp), difference);

    outer.saddr = flow4->source;
    outer.daddr = flow4->destination;
    outer.ttl--;
    outer.check = 0;
    outer.check = ~fold16((__u32)bpf_csum_diff(0, 0, (__be32*)&outer, sizeof(outer), 0));
    if (bpf_skb_store_bytes(skb, SG_L3, &outer, sizeof(outer), 0) ||
        bpf_skb_store_bytes(skb, quote->ip, &ip, sizeof(ip), 0) ||
        bpf_skb_store_bytes(skb, quote->l4, &tcp, sizeof(tcp), 0)) {
        return DROP(rebuild_failed);
    }
    bpf_l4_csum_replace(skb, icmp + 2, 0, difference, 0);
    return 0;
}

static __always_inline int translate6(struct __sk_buff* skb, struct sg_flow* flow, __u32 icmp,
                                      const struct quote* quote) {
    struct ipv6hdr outer;
    struct in6_addr old[2], quoted[2], addresses[2]; /* source and destination */
    struct quoted_tcp tcp = quote->tcp;
    struct sg_flow6* flow6 = (struct sg_flow6*)flow;
    const __u32 at = offsetof(struct ipv6hdr, saddr);
    if (icmp != standard_l4(true)) return DROP(bad_header);
    if (bpf_skb_load_bytes(skb, SG_L3, &outer, sizeof(outer)) ||
        bpf_skb_load_bytes(skb, quote->ip + at, old, sizeof(old)))
        return DROP(bad_header);
    if (outer.hop_limit <= 1) return DROP(ttl_expired);

    __builtin_memcpy(&quoted[0], &flow6->destination, 16);
    __builtin_memcpy(&quoted[1], &flow6->source, 16);
    restore_tcp(flow, &tcp);
    __u32 difference = bpf_csum_diff((__be32*)old, sizeof(old), (__be32*)quoted, sizeof(quoted), 0);
    difference = bpf_csum_diff((__be32*)&quote->tcp, sizeof(tcp), (__be32*)&tcp, sizeof(tcp), difference);

    addresses[0] = quoted[1];
    addresses[1] = quoted[0];
    __u32 pseudo = bpf_csum_diff((__be32*)&outer.saddr, sizeof(addresses), (__be32*)addresses, sizeof(addresses), 0);
    __u8 hop_limit = outer.hop_limit - 1;
    if (bpf_skb_store_bytes(skb, SG_L3 + at, addresses, sizeof(addresses), 0) ||
        bpf_skb_store_bytes(skb, SG_L3 + offsetof(struct ipv6hdr, hop_limit), &hop_limit, 1, 0) ||
        bpf_skb_store_bytes(skb, quote->ip + at, quoted, sizeof(quoted), 0) ||
        bpf_skb_store_bytes(skb, quote->l4, &tcp, sizeof(tcp), 0)) {
        return DROP(rebuild_failed);
    }
    bpf_l4_csum_replace(skb, icmp + 2, 0, difference, 0);
    replace_addresses_sum(skb, true, icmp + 2, pseudo);
    return 0;
}

static __always_inline int icmp_error(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6) {
    __u32 at = s->packet.l4;
    __u8 header[4];
    struct quote quote;
    struct sg_tuple* reply = &s->tuples[1];

    if (bpf_skb_load_bytes(skb, at, header, sizeof(header)) || !is_error(ipv6, header[0])) return TC_ACT_UNSPEC;
    if (quote_read(skb, ipv6, at, &quote, reply)) return TC_ACT_UNSPEC;
    __u32 seq = bpf_ntohl(quote.tcp.seq);
    struct sg_flow* flow = flow_find(ipv6, reply);
    if (!flow) return TC_ACT_UNSPEC;
    __u32 end = message_end(skb, ipv6);
    if (!end) return DROP(bad_header);
    if (!message_intact(skb, s, ipv6, at, end)) return DROP(bad_checksum);
    if (flow->state == SG_FLOW_CONNECTING) {
        if (!(flow->flags & SG_FLOW_TO_CLIENT) || !is_unreachable(ipv6, header[0], header[1])) return DROP(connecting);
        return endpoint_unreachable(skb, s, ipv6, flow, seq);
    }
    if (flow->state == SG_FLOW_DEAD) return DROP(dead_flow);
    if (!quote_in_window(ipv6, flow, seq)) return DROP(icmp_out_of_window);
    int action = ipv6 ? translate6(skb, flow, at, &quote) : translate4(skb, flow, at, &quote);
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
