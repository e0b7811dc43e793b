/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the flow remembers of the segments it forwards, and when the connection counts as over. The endpoints decide
 * that; the gateway only watches, to know when the entries may go. A forged FIN or RST must not shorten a live
 * connection's life, so they count only inside the sequence window (RFC 5961 3.2), and a RST that the receiver did not
 * believe is taken back.
 */
#ifndef SLIPGATE_BPF_CLOSE_H
#define SLIPGATE_BPF_CLOSE_H

#include "flow.h"

/* Host order, as the sender counts. */
struct segment {
    __u32 seq, ack;
    __u32 length; /* payload bytes */
    __u32 flags;
};

/*
 * How far ahead of what was acknowledged or seen a segment may be and still count. A FIN may overtake data, or follow
 * data lost in front of us. A RST further on is not believed, whatever data was sent: forged data may have been in
 * between. A genuine one is challenged by its receiver and comes again with the number the receiver expects (RFC 5961
 * 3.2).
 */
#define SG_CLOSE_WINDOW (1U << 20)

static __always_inline __u32 segment_end(const struct segment* segment) {
    return segment->seq + segment->length + !!(segment->flags & SG_SYN) + !!(segment->flags & SG_FIN);
}

/* Does a receiver in a synchronized state look at data, FIN and acknowledgement of a segment with these flags (RFC 9293
 * 3.10.7.4)? */
static __always_inline bool carries_stream(__u32 flags) {
    return (flags & (SG_SYN | SG_RST | SG_ACK)) == SG_ACK;
}

static __always_inline void track_segment(struct sg_flow* flow, const struct segment* segment) {
    __u32 end = segment_end(segment);
    if (sg_seq_before(flow->seq_end, end) && carries_stream(segment->flags)) flow->seq_end = end;
    if (segment->flags & SG_ACK && sg_seq_before(flow->ack, segment->ack)) flow->ack = segment->ack;
    flow->bytes += segment->length;
}

/*
 * What the receiver of `flow` acknowledged, as it counts: never more than was sent. Where it seems to be more, a forged
 * or spoiled segment said so, and the sender's FIN would look like an old one for ever.
 */
static __always_inline __u32 acknowledged(const struct sg_flow* flow, const struct sg_flow* peer) {
    __u32 end = flow->seq_end + flow->seq_delta;
    return sg_seq_before(end, peer->ack) ? end : peer->ack;
}

/*
 * Both CPUs that come here for a connection at the same time have written something before; at least one of them reads
 * after this what the other one wrote. A read-modify-write of one word puts them in an order; a store and a load alone
 * may pass each other, on x86 too.
 */
static __always_inline void meet_other_direction(struct sg_flow* up) {
    __u32 state = __sync_fetch_and_add(&up->state, 0);
    SG_OPAQUE(state); /* without a use of the result it would be a weaker instruction */
}

/*
 * Called for a FIN, a RST, and every packet of a closing flow, before track_segment(). `in` is the packet's tuple,
 * `out` what it leaves with.
 */
static __always_inline void watch_closing(const bool ipv6, struct sg_flow* flow, const struct sg_tuple* in,
                                          const struct sg_tuple* out, const struct segment* segment, __u32 now) {
    struct sg_tuple back;
    tuple_reverse(&back, out);
    struct sg_flow* peer = flow_find(ipv6, &back);
    if (!peer) return;
    struct sg_flow *up = flow, *down = peer;
    if (flow->flags & SG_FLOW_TO_CLIENT) {
        up = peer;
        down = flow;
    }

    if (!(segment->flags & (SG_FIN | SG_RST))) {
        /* Data or an acknowledgement that is new, from the side that seemed to have sent a RST: it was not its own.
         * With both FINs the connection is over all the same. */
        bool progress = sg_seq_between(segment_end(segment), flow->seq_end + 1, flow->seq_end + SG_CLOSE_WINDOW) ||
                        (segment->ack != flow->ack &&
                         sg_seq_between(segment->ack + flow->ack_delta, flow->ack + flow->ack_delta, peer->seq_end));
        bool finished = flow->flags & peer->flags & SG_FLOW_FIN;
        if (flow->flags & SG_FLOW_RST && !finished && progress && carries_stream(segment->flags) &&
            flow_change_state(up, SG_FLOW_CLOSING, SG_FLOW_ESTABLISHED)) {
            flow->flags &= ~SG_FLOW_RST;
            down->state = SG_FLOW_ESTABLISHED;
        }
        return;
    }
    __u16 reason;
    __u32 delta = flow->seq_delta, begin = acknowledged(flow, peer), end = flow->seq_end + delta;
    if (segment->flags & SG_RST) {
        if (sg_seq_before(begin + SG_CLOSE_WINDOW, end)) end = begin + SG_CLOSE_WINDOW;
        if (!sg_seq_between(segment->seq + delta, begin, end)) {
            COUNT(rst_out_of_window);
            return;
        }
        flow->flags |= SG_FLOW_RST;
        reason = flow->flags & SG_FLOW_TO_CLIENT ? SG_CLOSE_ENDPOINT_RST : SG_CLOSE_CLIENT_RST;
    } else {
        if (!carries_stream(segment->flags) ||
            !sg_seq_between(segment->seq + segment->length + delta, begin, end + SG_CLOSE_WINDOW))
            return;
        flow->flags |= SG_FLOW_FIN;
        meet_other_direction(up);
        if (!(peer->flags & SG_FLOW_FIN)) return;
        reason = SG_CLOSE_FIN;
    }
    if (!flow_change_state(up, SG_FLOW_ESTABLISHED, SG_FLOW_CLOSING)) return;
    down->state = SG_FLOW_CLOSING; /* that of `up` is another CPU's by now, perhaps */
    peer->seen = now;
    if (up->flags & SG_FLOW_REPORTED) return;
    up->flags |= SG_FLOW_REPORTED;
    if (flow == up) {
        up->bytes += segment->length; /* of this packet, not tracked yet */
        report_closed(in, out, up, peer, reason);
        up->bytes -= segment->length;
    } else {
        struct sg_tuple client, endpoint;
        tuple_reverse(&client, out);
        tuple_reverse(&endpoint, in);
        flow->bytes += segment->length;
        report_closed(&client, &endpoint, up, flow, reason);
        flow->bytes -= segment->length;
    }
}

#endif
