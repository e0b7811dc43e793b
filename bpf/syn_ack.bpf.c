// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What an endpoint answers to our SYN. A SYN-ACK completes the flow entries and is turned into ACK and hello; a RST
 * makes us try the next endpoint; an ACK of an old connection is reset and the SYN repeated.
 *
 * Where the SYN has the client's own address and port, the endpoint's packets may as well be for a connection that the
 * client has made without us: what does not answer us is left to the stack, which routes it to the client.
 */
#include "lib/fib.h"
#include "lib/flow.h"
#include "lib/openings.h"
#include "lib/reset.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * The differences between what the client and the endpoint count, and then the state: from here on packets are
 * translated. If the endpoint lacks what we promised to the client, the connection works all the same, and is counted.
 * `kept`: bytes of the hello that are about to be handed over.
 */
static __always_inline void establish(struct __sk_buff* skb, struct sg_scratch* s, const struct sg_config* c,
                                      const bool ipv6, struct sg_flow* up, struct sg_flow* down, __u32 kept) {
    const struct sg_options* options = &s->options;
    __u32 endpoint_isn = s->packet.seq, cookie = up->ack - 1;
    __u8 client_scale = up->window_shift;

    up->ack_delta = endpoint_isn - cookie;
    down->seq_delta = -up->ack_delta;
    down->ack_delta = -up->seq_delta;

    __u32 our_tsval = down->tsval_delta;
    down->tsval_delta = 0;
    if (up->flags & SG_FLOW_TIMESTAMPS) {
        if (!options->timestamps) COUNT(endpoint_no_timestamps);
        down->tsval_delta = our_tsval - options->tsval;
        down->tsecr_delta = -up->tsval_delta;
        up->tsecr_delta = -down->tsval_delta;
    }
    if (up->flags & SG_FLOW_SACK && !options->sack) COUNT(endpoint_no_sack);

    up->window_shift = 0;
    if (client_scale != SG_NO_WINDOW_SCALE) {
        if (options->window_scale != SG_NO_WINDOW_SCALE) {
            down->window_shift = (__s8)options->window_scale - (__s8)c->window_scale;
        } else {
            COUNT(endpoint_no_window_scale); /* it will take and send windows unscaled */
            down->window_shift = -(__s8)c->window_scale;
            up->window_shift = client_scale;
        }
    }
    up->seq_end += kept;
    up->bytes += kept;
    down->seq_end = endpoint_isn + 1;
    down->ack = s->packet.ack;
    struct sg_tuple* out = &s->tuples[0];
    flow_out(ipv6, down, out);
    fib_resolve_tuple(skb, ipv6, down, out); /* without a way, packets that need it are dropped (too_big.bpf.c) */
    down->seen = up->seen = now_seconds();
    flow_change_state(down, SG_FLOW_CONNECTING, SG_FLOW_ESTABLISHED);
    flow_change_state(up, SG_FLOW_CONNECTING, SG_FLOW_ESTABLISHED);
    COUNT(established);
}

/* Goes on in a program that releases the opening. */
static __always_inline int go_on(struct __sk_buff* skb, __u32 program) {
    bpf_tail_call(skb, &programs, program);
    return DROP(internal);
}

/* A connection the endpoint has forgotten to end holds our tuple: reset it (RFC 9293 3.5.1) and ask again at once. */
static __always_inline int reset_and_repeat(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6) {
    struct sg_packet* p = &s->packet;
    struct sg_tuple* back = &s->tuples[0];
    COUNT(endpoint_challenge);
    if (!rst_allowed()) return DROP(unknown_flow_limited); /* the client's repeated hello asks again */
    tuple_reverse(back, &p->tuple);
    build_headers(s, ipv6, back, p->source_mac, p->destination_mac);
    build_tcp(s, ipv6, p->ack, 0, SG_RST, 0);
    if (build_send(skb, s, ipv6, 0, NULL, 0, 0)) return DROP(rebuild_failed);
    bpf_clone_redirect(skb, skb->ifindex, 0);
    p->l4 = standard_l4(ipv6);
    s->connect_mode = SG_CONNECT_AGAIN;
    return go_on(skb, SG_PROGRAM_CONNECT);
}

/* In place of an endpoint that does not want, or cannot, and has no flow any more: another one of the same backend, or
 * the end. */
static __always_inline int connect_other(struct __sk_buff* skb, struct sg_scratch* s, const struct sg_opening* o) {
    if (!o) return DROP(connecting); /* the client's repeated hello begins anew */
    s->connect_mode = SG_CONNECT_OTHER;
    return go_on(skb, SG_PROGRAM_CONNECT);
}

/* For the client itself, perhaps. */
static __always_inline int leave(void) {
    COUNT(preserve_foreign);
    return TC_ACT_UNSPEC;
}

/* The endpoint of a connection of which nothing else is left. */
static __always_inline int abandoned(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6,
                                     const struct sg_flow* down) {
    const struct sg_packet* p = &s->packet;
    return p->flags & SG_ACK && p->ack == down->ack ? reset_unknown(skb, s, ipv6) : leave();
}

/* Is the packet, sent to the client's own address and port, none that answers us? */
static __always_inline bool is_foreign(const struct sg_packet* p, const struct sg_opening* o, const struct sg_flow* up,
                                       const struct sg_flow* down) {
    if (up->state == SG_FLOW_CONNECTING)
        return !(p->flags & SG_ACK) ||
               (p->ack != up->seq_end + up->seq_delta && (p->flags & (SG_SYN | SG_RST) || p->ack != down->ack));
    return up->state == SG_FLOW_CLOSING && (!o || p->seq - o->cookie != up->ack_delta);
}

/* `o` is claimed, or NULL if the place was needed for another connection. */
static __always_inline int answer(struct __sk_buff* skb, struct sg_scratch* s, struct sg_config* c, const bool ipv6,
                                  struct sg_opening* o, struct sg_flow* up, struct sg_flow* down) {
    struct sg_packet* p = &s->packet;
    bool connecting = up->state == SG_FLOW_CONNECTING;
    __u32 expected = up->seq_end + up->seq_delta; /* while connecting: our ISN plus one */

    if (p->flags & SG_RST) {
        if (!connecting || !(p->flags & SG_ACK) || p->ack != expected) return DROP(unexpected_ack);
        COUNT(endpoint_rst);
        connection_remove(ipv6, &s->tuples[2], up, SG_FLOW_CONNECTING, 0);
        return connect_other(skb, s, o);
    }
    if (!(p->flags & SG_ACK) || (p->flags & (SG_SYN | SG_FIN)) == (SG_SYN | SG_FIN)) return DROP(unexpected_flags);
    if (!(p->flags & SG_SYN)) {
        if (!connecting || p->ack == expected || !o) return DROP(connecting);
        return reset_and_repeat(skb, s, ipv6);
    }
    if (connecting) {
        COUNT(endpoint_syn_ack);
        if (p->ack != expected) return DROP(unexpected_ack);
        if (s->options.mss < SG_MSS_MIN) { /* the hello would take too many segments */
            COUNT(endpoint_mss_too_small);
            connection_abandon(ipv6, &s->tuples[2], up, SG_FLOW_CONNECTING, 0);
            return connect_other(skb, s, o);
        }
        establish(skb, s, c, ipv6, up, down, o ? o->contiguous : 0);
    } else {
        if (!o || p->seq - o->cookie != up->ack_delta) return DROP(synack_stale);
        if (p->ack != o->our_isn + 1) return DROP(unexpected_ack);
        COUNT(syn_ack_repeated);
    }
    if (!o) return DROP(synack_stale); /* the client's repeated hello will be translated */
    o->state = SG_OPENING_DONE;
    return go_on(skb, SG_PROGRAM_HAND_OVER);
}

static __always_inline int endpoint_answer(struct __sk_buff* skb, struct sg_scratch* s, struct sg_config* c,
                                           const bool ipv6) {
    struct sg_packet* p = &s->packet;
    struct sg_tuple* client = &s->tuples[2];
    if (packet_read(skb, s, ipv6)) return DROP(bad_header);
    if (!packet_intact(skb, s, ipv6)) return DROP(bad_checksum);
    options_read(skb, s);
    struct sg_flow* down = flow_find(ipv6, &p->tuple);
    if (!down) return DROP(dead_flow);
    if (down->state == SG_FLOW_ABANDONED) return abandoned(skb, s, ipv6, down);
    struct sg_flow* up = flow_find_up(ipv6, &p->tuple, down, client);
    if (!up) return DROP(dead_flow);

    struct opening_home home = opening_home(c, client);
    s->opening = opening_find(&home, client);
    struct sg_opening* o = opening_at(s->opening);
    if (o) {
        if (!opening_claim(o, now_milliseconds())) return DROP(stash_busy);
        if (!tuple_equal(&o->client, client) || o->our_port != p->tuple.destination_port ||
            o->state < SG_OPENING_CONNECTING) {
            opening_release(o);
            o = NULL;
        }
    }
    int action;
    if (flow_preserves(ipv6, up, client) && is_foreign(p, o, up, down)) {
        connection_remove(ipv6, client, up, SG_FLOW_CLOSING, 0); /* if it is: the client uses its port anew */
        action = leave();
    } else {
        action = answer(skb, s, c, ipv6, o, up, down);
    }
    if (o) opening_release(o);
    return action;
}

SEC("tc")
int syn_ack(struct __sk_buff* skb) {
    struct sg_scratch* s = get_scratch();
    struct sg_config* c = get_config();
    if (!s || !c) return DROP(internal);
    return s->packet.ipv6 ? endpoint_answer(skb, s, c, true) : endpoint_answer(skb, s, c, false);
}
