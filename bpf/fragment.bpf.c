// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * A packet whose TCP header the entry program cannot read in place: a first fragment that ends within it (RFC 1858), a
 * packet that does, one with its TCP header behind more than 4,096 bytes (SG_L4_MAX), one for which there was no
 * memory. The ports are in it, so it can be told whether it is ours: then it is dropped, and the stack never has the
 * segment.
 */
#include "lib/flow.h"
#include "lib/ours.h"
#include "lib/packet.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline int judge(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6) {
    bool fragment = s->reason == SG_COUNTER_fragment;
    struct sg_tuple* in = &s->packet.tuple;
    __be16 ports[2];
    if (ipv6) {
        if (bpf_skb_load_bytes(skb, SG_L3 + offsetof(struct ipv6hdr, saddr), in, 32)) return TC_ACT_UNSPEC;
    } else {
        struct iphdr ip;
        if (bpf_skb_load_bytes(skb, SG_L3, &ip, sizeof(ip))) return TC_ACT_UNSPEC;
        address_from_ipv4(&in->source, ip.saddr);
        address_from_ipv4(&in->destination, ip.daddr);
    }
    if (bpf_skb_load_bytes(skb, s->packet.l4, ports, sizeof(ports))) return TC_ACT_UNSPEC;
    in->source_port = ports[0];
    in->destination_port = ports[1];
    if (!flow_find(ipv6, in) && !is_to_vip(in) && !is_to_source(in)) return TC_ACT_UNSPEC;
    return fragment ? DROP(fragment) : DROP(bad_header);
}

SEC("tc")
int fragment(struct __sk_buff* skb) {
    struct sg_scratch* s = get_scratch();
    if (!s) return DROP(internal);
    return s->packet.ipv6 ? judge(skb, s, true) : judge(skb, s, false);
}
