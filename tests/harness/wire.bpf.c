/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A wire that loses and delays: what arrives at one port leaves by the other. Attached at the ingress of both ports in
 * a namespace between two hosts, where a loss is the network's (a drop at the sender's egress would be reported to it).
 * A delayed packet goes to the tap `late`, whose reader writes it back after a while; netem would do, where it is
 * built.
 */
#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

struct port {
    __u32 out;       /* interface the packet leaves by */
    __u32 late;      /* interface of the tap that delays */
    __u32 loss;      /* probability * 2^32 */
    __u32 delay;     /* probability * 2^32 */
    __u64 lose_mask; /* bit n: lose TCP packet number n, counted from the last configuration */
    __u64 delay_mask;
    __u64 count; /* TCP packets */
    __u64 lost, delayed;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, __u32); /* ifindex of ingress */
    __type(value, struct port);
} ports SEC(".maps");

static int is_tcp(struct __sk_buff* skb) {
    __u8 protocol = 0;
    if (skb->protocol == bpf_htons(ETH_P_IP)) {
        bpf_skb_load_bytes(skb, ETH_HLEN + __builtin_offsetof(struct iphdr, protocol), &protocol, 1);
    } else if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
        bpf_skb_load_bytes(skb, ETH_HLEN + __builtin_offsetof(struct ipv6hdr, nexthdr), &protocol, 1);
    }
    return protocol == IPPROTO_TCP;
}

static int chosen(__u32 probability, __u64 mask, __u64 number) {
    return bpf_get_prandom_u32() < probability || (number < 64 && (mask >> number & 1));
}

SEC("tc")
int wire(struct __sk_buff* skb) {
    __u32 ingress = skb->ifindex;
    struct port* port = bpf_map_lookup_elem(&ports, &ingress);
    if (!port) {
        return TC_ACT_SHOT;
    }
    if (is_tcp(skb)) {
        __u64 number = __sync_fetch_and_add(&port->count, 1);
        if (chosen(port->loss, port->lose_mask, number)) {
            __sync_fetch_and_add(&port->lost, 1);
            return TC_ACT_SHOT;
        }
        if (chosen(port->delay, port->delay_mask, number)) {
            __sync_fetch_and_add(&port->delayed, 1);
            return bpf_redirect(port->late, 0);
        }
    }
    return bpf_redirect(port->out, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
