// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Entry program, at TC ingress of every interface that carries clients or endpoints. A packet of an established
 * connection is translated and sent on right here; openings go to the other programs by tail call.
 *
 * What is not ours returns TC_ACT_UNSPEC, so that other programs and the stack see it. What is ours never reaches the
 * stack: it would answer with a RST and kill the connection.
 */
#include "lib/common.h"
#include "lib/extension.h"
#include "lib/forward.h"
#include "lib/ours.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define SG_L4_MAX 4096 /* offset of a TCP header that is read in place: the verifier wants a bound */

/*
 * A SYN on an established flow: the client, or a NAT in front of it, uses the ports again. It is translated, and the
 * endpoint's challenge ACK sorts it out (RFC 5961 4). If the endpoint is dead that never happens: when it has sent
 * nothing since an earlier SYN, and about a second has passed, the flow is given up.
 */
static __always_inline bool syn_gives_up(const bool ipv6, const struct sg_tuple* in, struct sg_flow* flow) {
    struct sg_tuple back;
    COUNT(syn_on_established);
    flow_other_key(ipv6, flow, &back);
    struct sg_flow* down = flow_find(ipv6, &back);
    if (!down) return connection_remove(ipv6, in, flow, SG_FLOW_ESTABLISHED, SG_CLOSE_TUPLE_REUSED);
    if (flow->flags & SG_FLOW_SYN && (__s32)(down->seen - flow->seen) < 0 && now_seconds() != flow->seen) {
        COUNT(tuple_reused);
        return connection_abandon(ipv6, in, flow, SG_FLOW_ESTABLISHED, SG_CLOSE_TUPLE_REUSED);
    }
    flow->flags |= SG_FLOW_SYN;
    return false;
}

/* A packet that matched no flow. */
static __always_inline int no_flow(struct __sk_buff* skb, const bool ipv6, __u32 l4, const struct sg_tuple* in,
                                   __u32 flags, bool fragment) {
    bool to_vip = is_to_vip(in);
    if (!to_vip && !is_to_source(in)) return TC_ACT_UNSPEC;
    if (fragment) return DROP(fragment);
    if (is_martian(skb, ipv6, in)) return DROP(martian);
    if (!to_vip) return JUMP(SG_PROGRAM_RESET); /* a late answer of an endpoint we gave up */
    if (is_opening_syn(flags)) return JUMP(SG_PROGRAM_SYN);
    return JUMP(SG_PROGRAM_HELLO);
}

/* A packet whose TCP header cannot be read in place; or a first fragment without a whole one, whose rest the stack
 * would have from the later ones. */
static __always_inline int out_of_reach(struct __sk_buff* skb, const bool ipv6, __u32 l4, bool fragment) {
    struct sg_scratch* s = get_scratch();
    if (!s) return DROP(internal);
    s->reason = fragment ? SG_COUNTER_fragment : SG_COUNTER_bad_header;
    return JUMP(SG_PROGRAM_FRAGMENT);
}

/*
 * A RST may end the flow, so its checksum is verified: the receiver of a spoiled one drops it, and a connection at rest
 * would lose its flow. Returns -1 if it is to be forwarded.
 */
static __always_inline int check_rst(struct __sk_buff* skb, const bool ipv6, __u32 l4) {
    struct sg_scratch* s = get_scratch();
    if (!s) return DROP(internal);
    s->packet.l4 = l4;
    if (packet_read(skb, s, ipv6)) return DROP(bad_header);
    return packet_intact(skb, s, ipv6) ? -1 : DROP(bad_checksum);
}

static __always_inline bool is_translated(__u32 state) {
    return state == SG_FLOW_ESTABLISHED || state == SG_FLOW_CLOSING;
}

/* A packet of a flow that is not simply forwarded. Returns -1 if it is. */
static __always_inline int special(struct __sk_buff* skb, const bool ipv6, __u32 l4, const struct sg_tuple* in,
                                   struct sg_flow* flow, __u32 flags, bool fragment) {
    __u32 state = SG_MEMORY(flow->state);
    bool syn = is_opening_syn(flags);
    if (fragment) return DROP(fragment);
    if (state == SG_FLOW_DEAD) return DROP(dead_flow);
    if (flow->flags & SG_FLOW_TO_CLIENT) {
        if (!is_translated(state) || flags & SG_SYN) return JUMP(SG_PROGRAM_SYN_ACK);
        return flags & SG_RST ? check_rst(skb, ipv6, l4) : -1;
    }
    if (state == SG_FLOW_CONNECTING) {
        if (syn) return JUMP(SG_PROGRAM_SYN);
        return JUMP(SG_PROGRAM_HELLO);
    }
    if (syn && (state == SG_FLOW_CLOSING || syn_gives_up(ipv6, in, flow))) return JUMP(SG_PROGRAM_SYN);
    return flags & SG_RST ? check_rst(skb, ipv6, l4) : -1;
}

/* Most packets are of an established flow and carry neither SYN, RST nor a fragment bit. */
static __always_inline bool is_special(const struct sg_flow* flow, __u32 flags, bool fragment) {
    return fragment || flags & (SG_SYN | SG_RST) || !is_translated(SG_MEMORY(flow->state));
}

static __always_inline int splice_ipv4(struct __sk_buff* skb) {
    const bool ipv6 = false;
    void *data = (void*)(long)skb->data, *end = (void*)(long)skb->data_end;
    struct iphdr* ip = data + SG_L3;
    if ((void*)(ip + 1) > end) {
        if (bpf_skb_pull_data(skb, SG_L3 + sizeof(*ip))) return TC_ACT_UNSPEC;
        data = (void*)(long)skb->data;
        end = (void*)(long)skb->data_end;
        ip = data + SG_L3;
        if ((void*)(ip + 1) > end) return TC_ACT_UNSPEC;
    }
    __u32 l4 = SG_L3 + ip->ihl * 4;
    if (ip->ihl < 5 || ip->frag_off & bpf_htons(0x1fff))
        return TC_ACT_UNSPEC; /* later fragments: the first one was dropped */
    if (ip->protocol == IPPROTO_ICMP) {
        jump(skb, ipv6, l4, SG_PROGRAM_ICMP);
        return TC_ACT_UNSPEC;
    }
    if (ip->protocol != IPPROTO_TCP) return TC_ACT_UNSPEC;
    bool fragment = ip->frag_off & bpf_htons(0x2000);
    struct tcphdr* tcp = data + l4;
    if ((void*)(tcp + 1) > end) {
        if (bpf_skb_pull_data(skb, l4 + sizeof(*tcp))) return out_of_reach(skb, ipv6, l4, fragment);
        data = (void*)(long)skb->data;
        end = (void*)(long)skb->data_end;
        ip = data + SG_L3;
        tcp = data + l4;
        if ((void*)(ip + 1) > end || (void*)(tcp + 1) > end) return TC_ACT_UNSPEC;
    }
    struct sg_flow4_key key = {
        .source = ip->saddr, .destination = ip->daddr, .source_port = tcp->source, .destination_port = tcp->dest};
    __u32 flags = ((__u8*)tcp)[13];
    struct sg_flow4* flow = bpf_map_lookup_elem(&flows4, &key);
    if (!flow || is_special(&flow->flow, flags, fragment)) {
        struct sg_tuple in = {.source_port = key.source_port, .destination_port = key.destination_port};
        address_from_ipv4(&in.source, key.source);
        address_from_ipv4(&in.destination, key.destination);
        if (!flow) return no_flow(skb, ipv6, l4, &in, flags, fragment);
        int action = special(skb, ipv6, l4, &in, &flow->flow, flags, fragment);
        if (action != -1) return action;
    }
    return forward(skb, &flow->flow, ipv6, l4, &flow->source, &flow->destination);
}

static __always_inline int splice_ipv6(struct __sk_buff* skb) {
    const bool ipv6 = true;
    void *data = (void*)(long)skb->data, *end = (void*)(long)skb->data_end;
    struct ipv6hdr* ip = data + SG_L3;
    if ((void*)(ip + 1) > end) {
        if (bpf_skb_pull_data(skb, SG_L3 + sizeof(*ip))) return TC_ACT_UNSPEC;
        data = (void*)(long)skb->data;
        end = (void*)(long)skb->data_end;
        ip = data + SG_L3;
        if ((void*)(ip + 1) > end) return TC_ACT_UNSPEC;
    }
    bool fragment = false, icmp = false;
    __u32 l4 = ipv6_l4(skb, SG_L3 + sizeof(*ip), ip->nexthdr, &fragment, &icmp);
    if (l4 < SG_L3 + sizeof(*ip)) return TC_ACT_UNSPEC;
    if (icmp) {
        jump(skb, ipv6, l4, SG_PROGRAM_ICMP);
        return TC_ACT_UNSPEC;
    }
    if (l4 > SG_L4_MAX) return out_of_reach(skb, ipv6, l4, fragment);
    l4 = SG_CLAMP(l4, SG_L3 + sizeof(*ip), SG_L4_MAX);
    struct tcphdr* tcp = data + l4;
    if ((void*)(tcp + 1) > end) {
        if (bpf_skb_pull_data(skb, l4 + sizeof(*tcp))) return out_of_reach(skb, ipv6, l4, fragment);
        data = (void*)(long)skb->data;
        end = (void*)(long)skb->data_end;
        ip = data + SG_L3;
        tcp = data + l4;
        if ((void*)(ip + 1) > end || (void*)(tcp + 1) > end) return TC_ACT_UNSPEC;
    }
    struct sg_tuple in = {.source_port = tcp->source, .destination_port = tcp->dest};
    __builtin_memcpy(&in.source, &ip->saddr, sizeof(in.source));
    __builtin_memcpy(&in.destination, &ip->daddr, sizeof(in.destination));
    __u32 flags = ((__u8*)tcp)[13];
    struct sg_flow6* flow = bpf_map_lookup_elem(&flows6, &in);
    if (!flow) return no_flow(skb, ipv6, l4, &in, flags, fragment);
    if (is_special(&flow->flow, flags, fragment)) {
        int action = special(skb, ipv6, l4, &in, &flow->flow, flags, fragment);
        if (action != -1) return action;
    }
    return forward(skb, &flow->flow, ipv6, l4, flow->source.word, flow->destination.word);
}

SEC("tc")
int splice(struct __sk_buff* skb) {
    if (skb->vlan_present) return TC_ACT_UNSPEC; /* the VLAN device has a hook of its own */
    if (skb->protocol == bpf_htons(ETH_P_IP)) return splice_ipv4(skb);
    if (skb->protocol == bpf_htons(ETH_P_IPV6)) return splice_ipv6(skb);
    return TC_ACT_UNSPEC;
}
