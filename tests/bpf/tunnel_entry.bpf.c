/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * In front of splice_l3 in BPF_PROG_TEST_RUN: the first bytes of a bare IP packet, read as a MAC, are one of a group or
 * of another host, and the packet would be taken for one. See tunnel_entry.h.
 */
#include <linux/bpf.h>
#include <linux/if_packet.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    __uint(max_entries, 1);
    __uint(key_size, 4);
    __uint(value_size, 4);
} next SEC(".maps");

SEC("tc")
int tunnel_entry(struct __sk_buff* skb) {
    if (bpf_skb_change_type(skb, PACKET_HOST)) return TC_ACT_SHOT;
    bpf_tail_call(skb, &next, 0);
    return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
