/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The kernel's routing decides where a packet goes; its answer is kept in the flow and refreshed about once a second.
 */
#ifndef SLIPGATE_BPF_FIB_H
#define SLIPGATE_BPF_FIB_H

#include "common.h"

#ifndef AF_INET
#define AF_INET 2
#define AF_INET6 10
#endif

/* Bytes from the IP header on, 0 if the interface is gone. */
static __always_inline __u16 interface_mtu(struct __sk_buff* skb, __u32 ifindex) {
    __u32 mtu = 0; /* asks about this packet, and is told the MTU whatever the answer */
    bpf_check_mtu(skb, ifindex, &mtu, 0, 0);
    return mtu;
}

/*
 * Looks up the way of a packet with these addresses (v4: one word each, v6: four) and stores interface, MACs and MTU in
 * `flow`. Returns 0, also when the neighbour is not known yet (then SG_FLOW_NEIGHBOUR is off and the kernel resolves
 * it); -1 if there is no way, with the flow unchanged.
 *
 * The MTU is what the kernel learned of the path, else that of the route if it is locked, else the interface's
 * (ip_mtu_from_fib_result(), ip6_mtu_from_fib6()). It is told only together with the neighbour.
 */
static __always_inline int fib_resolve(struct __sk_buff* skb, const bool ipv6, struct sg_flow* flow,
                                       const __be32* source, const __be32* destination) {
    struct sg_scratch* s = get_scratch();
    if (!s) return -1;
    struct bpf_fib_lookup* query = &s->fib; /* not on the stack: the established path is deep already */
    __builtin_memset(query, 0, sizeof(*query));
    query->ifindex = skb->ingress_ifindex ? skb->ingress_ifindex : skb->ifindex;
    query->l4_protocol = IPPROTO_TCP;
    query->tot_len = 1; /* smaller than any MTU: asks for the MTU without a check */
    if (ipv6) {
        query->family = AF_INET6;
        __builtin_memcpy(query->ipv6_src, source, 16);
        __builtin_memcpy(query->ipv6_dst, destination, 16);
    } else {
        query->family = AF_INET;
        query->ipv4_src = *source;
        query->ipv4_dst = *destination;
    }
    long result = bpf_fib_lookup(skb, query, sizeof(*query), 0);
    if (result != BPF_FIB_LKUP_RET_SUCCESS && result != BPF_FIB_LKUP_RET_NO_NEIGH) return -1;
    flow->ifindex = query->ifindex;
    if (result == BPF_FIB_LKUP_RET_SUCCESS) {
        flow->mtu = query->mtu_result;
        __builtin_memcpy(flow->destination_mac, query->dmac, ETH_ALEN);
        __builtin_memcpy(flow->source_mac, query->smac, ETH_ALEN);
        flow->flags |= SG_FLOW_NEIGHBOUR;
    } else {
        flow->mtu = interface_mtu(skb, query->ifindex);
        flow->flags &= ~SG_FLOW_NEIGHBOUR;
    }
    return 0;
}

static __always_inline int fib_resolve_tuple(struct __sk_buff* skb, const bool ipv6, struct sg_flow* flow,
                                             const struct sg_tuple* out) {
    return ipv6 ? fib_resolve(skb, true, flow, out->source.word, out->destination.word)
                : fib_resolve(skb, false, flow, &out->source.word[3], &out->destination.word[3]);
}

/* Sends the packet the flow's way. Its MACs must be in place if the neighbour is known. */
static __always_inline int fib_send(const struct sg_flow* flow) {
    if (flow->flags & SG_FLOW_NEIGHBOUR) return bpf_redirect(flow->ifindex, 0);
    COUNT(neighbour_unresolved);
    return bpf_redirect_neigh(flow->ifindex, NULL, 0, 0);
}

/*
 * The same by the kernel's neighbour layer, which then makes sure that what it knows is still true: a redirected packet
 * uses a STALE neighbour without a question. Done once for each connection, or an address that moved to another MAC
 * would go unnoticed.
 */
static __always_inline int fib_send_probing(const struct sg_flow* flow) {
    if (!(flow->flags & SG_FLOW_NEIGHBOUR)) COUNT(neighbour_unresolved);
    return bpf_redirect_neigh(flow->ifindex, NULL, 0, 0);
}

#endif
