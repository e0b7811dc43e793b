// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Another TC program on the node: counts the TCP packets it sees, and returns what it is told to. */
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct bystander {
    __u64 tcp_packets;
    __s32 verdict;
    __u32 zero;
};

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct bystander);
} state SEC(".maps");

SEC("tc")
int bystander(struct __sk_buff* skb) {
    __u32 zero = 0, at = ETH_HLEN + offsetof(struct iphdr, protocol);
    __u8 protocol = 0;
    struct bystander* b = bpf_map_lookup_elem(&state, &zero);
    if (!b) return -1;
    if (skb->protocol == bpf_htons(ETH_P_IPV6)) at = ETH_HLEN + offsetof(struct ipv6hdr, nexthdr);
    bpf_skb_load_bytes(skb, at, &protocol, 1);
    if (protocol == IPPROTO_TCP) __sync_fetch_and_add(&b->tcp_packets, 1);
    return b->verdict;
}
