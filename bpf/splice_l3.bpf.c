// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Entry program on devices whose packets have no Ethernet header (tun, WireGuard, ipip): gives the packet one, and goes
 * on in splice. The kernel takes the header off again when a packet is redirected to such a device. Packets that cannot
 * be ours keep their shape.
 */
#include "lib/common.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/* IPv6 extension headers may be in front of TCP: only UDP, the bulk of what is not ours, is told apart. */
static __always_inline bool may_be_ours(struct __sk_buff* skb) {
    __u8 protocol;
    if (skb->protocol == bpf_htons(ETH_P_IP)) {
        if (bpf_skb_load_bytes(skb, offsetof(struct iphdr, protocol), &protocol, 1)) return false;
        return protocol == IPPROTO_TCP || protocol == IPPROTO_ICMP;
    }
    if (skb->protocol == bpf_htons(ETH_P_IPV6)) {
        if (bpf_skb_load_bytes(skb, offsetof(struct ipv6hdr, nexthdr), &protocol, 1)) return false;
        return protocol != IPPROTO_UDP;
    }
    return false;
}

SEC("tc")
int splice_l3(struct __sk_buff* skb) {
    if (!may_be_ours(skb)) return TC_ACT_UNSPEC;
    if (bpf_skb_change_head(skb, ETH_HLEN, 0)) return DROP(rebuild_failed);
    __be16 protocol = skb->protocol;
    bpf_skb_store_bytes(skb, offsetof(struct ethhdr, h_proto), &protocol, sizeof(protocol), 0);
    bpf_tail_call(skb, &programs, SG_PROGRAM_SPLICE);
    return DROP(internal);
}
