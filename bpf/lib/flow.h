/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Flow entries of either family behind one set of functions, for the slow path. `ipv6` is a constant where these are
 * called, so each call compiles to one family. The established path (splice.bpf.c) uses the maps directly.
 */
#ifndef SLIPGATE_BPF_FLOW_H
#define SLIPGATE_BPF_FLOW_H

#include "common.h"
#include "event.h"

static __always_inline void flow4_key(struct sg_flow4_key* key, const struct sg_tuple* tuple) {
    key->source = tuple->source.word[3];
    key->destination = tuple->destination.word[3];
    key->source_port = tuple->source_port;
    key->destination_port = tuple->destination_port;
}

static __always_inline struct sg_flow* flow_find(const bool ipv6, const struct sg_tuple* tuple) {
    if (ipv6) {
        struct sg_flow6* flow = bpf_map_lookup_elem(&flows6, tuple);
        return flow ? &flow->flow : NULL;
    }
    struct sg_flow4_key key;
    flow4_key(&key, tuple);
    struct sg_flow4* flow = bpf_map_lookup_elem(&flows4, &key);
    return flow ? &flow->flow : NULL;
}

/* What a packet of this flow leaves with. `flow` is of the family `ipv6` says. */
static __always_inline void flow_out(const bool ipv6, const struct sg_flow* flow, struct sg_tuple* out) {
    if (ipv6) {
        const struct sg_flow6* flow6 = (const struct sg_flow6*)flow;
        out->source = flow6->source;
        out->destination = flow6->destination;
    } else {
        const struct sg_flow4* flow4 = (const struct sg_flow4*)flow;
        address_from_ipv4(&out->source, flow4->source);
        address_from_ipv4(&out->destination, flow4->destination);
    }
    out->source_port = flow->source_port;
    out->destination_port = flow->destination_port;
}

/* What the answers to this flow's packets arrive with: the key of the other direction. */
static __always_inline void flow_other_key(const bool ipv6, const struct sg_flow* flow, struct sg_tuple* key) {
    if (ipv6) {
        const struct sg_flow6* flow6 = (const struct sg_flow6*)flow;
        key->source = flow6->destination;
        key->destination = flow6->source;
    } else {
        const struct sg_flow4* flow4 = (const struct sg_flow4*)flow;
        address_from_ipv4(&key->source, flow4->destination);
        address_from_ipv4(&key->destination, flow4->source);
    }
    key->source_port = flow->destination_port;
    key->destination_port = flow->source_port;
}

/* Is `key` what flow_other_key() says? */
static __always_inline bool flow_answered_by(const bool ipv6, const struct sg_flow* flow, const struct sg_tuple* key) {
    if (flow->source_port != key->destination_port || flow->destination_port != key->source_port) return false;
    if (ipv6) {
        const struct sg_flow6* flow6 = (const struct sg_flow6*)flow;
        return address_equal(&flow6->source, &key->destination) && address_equal(&flow6->destination, &key->source);
    }
    const struct sg_flow4* flow4 = (const struct sg_flow4*)flow;
    return flow4->source == key->destination.word[3] && flow4->destination == key->source.word[3];
}

/*
 * The client-to-endpoint entry of the endpoint-to-client entry `down`, which was found under `key`; NULL if it is gone
 * or leads elsewhere by now. `client` becomes the tuple it is found under.
 */
static __always_inline struct sg_flow* flow_find_up(const bool ipv6, const struct sg_tuple* key,
                                                    const struct sg_flow* down, struct sg_tuple* client) {
    flow_other_key(ipv6, down, client);
    struct sg_flow* up = flow_find(ipv6, client);
    return up && flow_answered_by(ipv6, up, key) ? up : NULL;
}

/* Stores `flow` (common part) with the addresses of `out` under `key`. Returns the error of bpf_map_update_elem(). */
static __always_inline long flow_insert(const bool ipv6, struct sg_scratch* s, const struct sg_tuple* key,
                                        const struct sg_flow* flow, const struct sg_tuple* out, __u64 flags) {
    if (ipv6) {
        s->flow6.flow = *flow;
        s->flow6.source = out->source;
        s->flow6.destination = out->destination;
        return bpf_map_update_elem(&flows6, key, &s->flow6, flags);
    }
    struct sg_flow4_key key4;
    flow4_key(&key4, key);
    s->flow4.flow = *flow;
    s->flow4.source = out->source.word[3];
    s->flow4.destination = out->destination.word[3];
    return bpf_map_update_elem(&flows4, &key4, &s->flow4, flags);
}

static __always_inline void flow_delete(const bool ipv6, const struct sg_tuple* key) {
    if (ipv6) {
        bpf_map_delete_elem(&flows6, key);
        return;
    }
    struct sg_flow4_key key4;
    flow4_key(&key4, key);
    bpf_map_delete_elem(&flows4, &key4);
}

/* The window as the receiver will scale it. A window that is open is never shown as closed: that would stall the
 * sender. */
static __always_inline __u16 shift_window(__u32 window, __s8 shift) {
    if (shift > 0) {
        __u32 wide = window << (shift & 15);
        return wide > 65535 ? 65535 : wide;
    }
    __u32 narrow = window >> (-shift & 15);
    return narrow || !window ? narrow : 1;
}

/* The state of a connection is that of its client-to-endpoint entry: one word decides who may remove it. */
static __always_inline bool flow_change_state(struct sg_flow* flow, __u32 from, __u32 to) {
    return __sync_val_compare_and_swap(&flow->state, from, to) == from;
}

/* Does a packet keep its source on the way to the endpoint (SG_ENDPOINT_PRESERVE)? `client` is the key of `up`. */
static __always_inline bool flow_preserves(const bool ipv6, const struct sg_flow* up, const struct sg_tuple* client) {
    if (up->source_port != client->source_port) return false;
    if (ipv6) return address_equal(&((const struct sg_flow6*)up)->source, &client->source);
    return ((const struct sg_flow4*)up)->source == client->source.word[3];
}

/*
 * Removes both entries of the connection whose client-to-endpoint entry `up` is found under `client`; the caller has
 * made it DEAD. Reports its end with `reason` (enum sg_close_reason) unless that was done, or reason is 0.
 *
 * `abandon`: the endpoint may still answer. A late answer to an address of ours is known by that (the map sources); for
 * one to the client's own, the endpoint-to-client entry stays for a while.
 */
static __always_inline void connection_delete(const bool ipv6, const struct sg_tuple* client, struct sg_flow* up,
                                              __u16 reason, const bool abandon) {
    struct sg_tuple out, down_key;
    /* Should a delete fail, the garbage collector deletes again, but not while another CPU is at it. */
    up->seen = SG_SECONDS(bpf_ktime_get_ns());
    flow_out(ipv6, up, &out);
    tuple_reverse(&down_key, &out);
    struct sg_flow* down = flow_find(ipv6, &down_key);
    if (reason && !(up->flags & SG_FLOW_REPORTED)) report_closed(client, &out, up, down, reason);
    if (down && flow_answered_by(ipv6, down, client)) { /* its tuple may serve another connection by now */
        if (abandon && flow_preserves(ipv6, up, client)) {
            down->ack = up->seq_end + up->seq_delta;
            down->seen = up->seen;
            down->state = SG_FLOW_ABANDONED;
        } else {
            down->state = SG_FLOW_DEAD;
            flow_delete(ipv6, &down_key);
        }
    }
    flow_delete(ipv6, client);
}

/*
 * The same, if the connection's state is still `state`. Another CPU that comes here at the same time loses the
 * compare-and-exchange and does nothing. Returns true if removed.
 */
static __always_inline bool connection_remove(const bool ipv6, const struct sg_tuple* client, struct sg_flow* up,
                                              __u32 state, __u16 reason) {
    if (!flow_change_state(up, state, SG_FLOW_DEAD)) return false;
    connection_delete(ipv6, client, up, reason, false);
    return true;
}

static __always_inline bool connection_abandon(const bool ipv6, const struct sg_tuple* client, struct sg_flow* up,
                                               __u32 state, __u16 reason) {
    if (!flow_change_state(up, state, SG_FLOW_DEAD)) return false;
    connection_delete(ipv6, client, up, reason, true);
    return true;
}

#endif
