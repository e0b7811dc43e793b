// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Turns the endpoint's SYN-ACK into the third ACK of the handshake and the kept hello, in as many segments as it takes.
 * The opening at hand is claimed; this program releases it.
 */
#include "lib/build.h"
#include "lib/flow.h"
#include "lib/openings.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define SG_HELLO_SEGMENTS_OUT (SG_STASH_BYTES / SG_SEGMENT_MIN)

struct hand_over_loop {
    struct __sk_buff* skb;
    struct sg_scratch* s;
    const struct sg_opening* opening;
};

static __always_inline long hand_over_one(struct hand_over_loop* loop, const bool ipv6) {
    struct sg_hand_over* hello = &loop->s->hand_over;
    __u32 at = SG_MEMORY(hello->at), length = SG_MEMORY(hello->total) - at, size = SG_MEMORY(hello->size);
    if (length > size) length = size;
    build_tcp(loop->s, ipv6, hello->seq + at, hello->ack, SG_ACK | SG_PSH, hello->window);
    if (build_send(loop->skb, loop->s, ipv6, SG_MEMORY(hello->option_length), loop->opening, at, length)) return 1;
    hello->at = at + length;
    if (SG_MEMORY(hello->at) >= SG_MEMORY(hello->total)) {
        hello->complete = 1; /* the last one leaves as the packet itself */
        return 1;
    }
    bpf_clone_redirect(loop->skb, hello->ifindex, 0);
    return 0;
}

static long hand_over_ipv4(__u32 index, struct hand_over_loop* loop) {
    return hand_over_one(loop, false);
}

static long hand_over_ipv6(__u32 index, struct hand_over_loop* loop) {
    return hand_over_one(loop, true);
}

/* Payload bytes per segment: what the endpoint accepts, what fits its way, and what the stash's slack allows. The
 * first SYN-ACK had no MSS below SG_MSS_MIN (syn_ack.bpf.c); a repeated one that has contradicts it. */
static __always_inline __u32 hello_segment_size(const struct sg_scratch* s, const bool ipv6, const struct sg_flow* up,
                                                __u32 option_length) {
    __u32 headers = standard_l4(ipv6) - SG_L3 + sizeof(struct tcphdr);
    __u32 size = s->options.mss < SG_MSS_MIN ? SG_MSS_MIN : s->options.mss;
    if (up->mtu >= headers + SG_MSS_MIN && size > up->mtu - headers) size = up->mtu - headers;
    if (size > SG_SEGMENT_MAX) size = SG_SEGMENT_MAX;
    return (size - option_length) & ~3U; /* build_send() sums words */
}

/* s->packet and s->options are those of the SYN-ACK. */
static __always_inline int hand_over_hello(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6,
                                           const struct sg_opening* o, const struct sg_flow* up) {
    struct sg_packet* p = &s->packet;
    struct sg_tuple* back = &s->tuples[0];
    bool routed = up->flags & SG_FLOW_NEIGHBOUR;
    struct sg_hand_over* hello = &s->hand_over;
    struct hand_over_loop loop = {.skb = skb, .s = s, .opening = o};

    tuple_reverse(back, &p->tuple);
    build_headers(s, ipv6, back, routed ? up->destination_mac : p->source_mac,
                  routed ? up->source_mac : p->destination_mac);
    hello->option_length = 0;
    if (o->timestamps && s->options.timestamps) {
        hello->option_length =
            options_write_timestamps(build_options(s, ipv6), o->client_tsval + o->tsval_delta, s->options.tsval);
    }
    hello->at = 0;
    hello->total = o->contiguous;
    hello->size = hello_segment_size(s, ipv6, up, hello->option_length);
    hello->window = shift_window(o->window, up->window_shift);
    hello->seq = p->ack;
    hello->ack = p->seq + 1;
    __u32 ifindex = skb->ifindex;
    SG_OPAQUE(ifindex); /* else the compiler chooses between addresses, and one of them is in the context */
    if (routed) ifindex = up->ifindex;
    hello->ifindex = ifindex;
    hello->complete = 0;
    bpf_loop(SG_HELLO_SEGMENTS_OUT, ipv6 ? hand_over_ipv6 : hand_over_ipv4, &loop, 0);
    if (!hello->complete) return DROP(rebuild_failed);
    return bpf_redirect(hello->ifindex, 0);
}

static __always_inline int hand_over_opening(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6,
                                             struct sg_opening* o) {
    struct sg_flow* up = flow_find(ipv6, &o->client);
    int action = up ? hand_over_hello(skb, s, ipv6, o, up) : DROP(dead_flow);
    opening_release(o);
    return action;
}

SEC("tc")
int hand_over(struct __sk_buff* skb) {
    struct sg_scratch* s = get_scratch();
    struct sg_opening* o = s ? opening_at(s->opening) : NULL;
    if (!o) return DROP(internal);
    return s->packet.ipv6 ? hand_over_opening(skb, s, true, o) : hand_over_opening(skb, s, false, o);
}
