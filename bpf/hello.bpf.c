// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What a client sends after the SYN until its endpoint answers: segments of the ClientHello, kept and not acknowledged.
 * When the server name is complete, the program connect goes on.
 */
#include "lib/flow.h"
#include "lib/openings.h"
#include "lib/reset.h"
#include "lib/stash.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline int go_on(struct __sk_buff* skb, struct sg_opening* o, __u32 program) {
    bpf_tail_call(skb, &programs, program);
    opening_release(o);
    return DROP(internal);
}

/* Refuses the connection of this opening: reason is enum sg_counter. */
#define REFUSE(name)                      \
    ({                                    \
        s->reason = SG_COUNTER_##name;    \
        s->sni.text[0] = 0;               \
        go_on(skb, o, SG_PROGRAM_REFUSE); \
    })

/* A keepalive probe before the hello: a bare ACK says that we are alive (RFC 9293 3.8.4). Nothing is acknowledged by
 * it. */
static __always_inline int answer_probe(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6,
                                        __u32 client_isn) {
    struct sg_packet* p = &s->packet;
    struct sg_tuple back;
    __u32 options = 0;
    tuple_reverse(&back, &p->tuple);
    build_headers(s, ipv6, &back, p->source_mac, p->destination_mac);
    build_tcp(s, ipv6, p->ack, client_isn + 1, SG_ACK, 0xffff);
    if (s->options.timestamps)
        options = options_write_timestamps(build_options(s, ipv6), s->options.tsecr, s->options.tsval);
    if (build_send(skb, s, ipv6, options, NULL, 0, 0)) return DROP(rebuild_failed);
    COUNT(keepalive_answered);
    return send_back(skb);
}

/* Makes the opening for a segment with a good cookie, in the place `o` that this CPU has claimed. */
static __always_inline void opening_begin(struct sg_opening* o, struct sg_scratch* s, __u32 client_isn) {
    struct sg_packet* p = &s->packet;
    struct sg_cookie cookie = sg_cookie_unpack(p->ack - 1);
    o->client = p->tuple;
    o->state = SG_OPENING_COLLECTING;
    o->client_isn = client_isn;
    o->cookie = p->ack - 1;
    o->mss = cookie.mss;
    o->sack = cookie.sack;
    o->window_scale = cookie.window_scale;
    o->timestamps = s->options.timestamps; /* a client sends them after the SYN only if we agreed (RFC 7323 3.2) */
    o->attempts = 0;
    o->retransmits = 0;
    o->segments = 0;
    o->contiguous = 0;
    o->route = SG_ROUTE_NONE;
    o->sni = 0;
    o->name_length = 0;
    __builtin_memset(&o->endpoint, 0, sizeof(o->endpoint));
    o->our_port = 0;
}

/* Reads the name; says what to do with the segment that brought `progress` or not. */
static __always_inline int judge_hello(struct __sk_buff* skb, struct sg_scratch* s, struct sg_opening* o,
                                       bool progress) {
    hello_parse(s, o);
    switch (s->hello.verdict) {
        case SG_HELLO_FOUND:
            COUNT(hello);
            o->name_at = s->hello.name_at;
            o->name_length = s->hello.name_length;
            s->connect_mode = SG_CONNECT_NEW;
            return go_on(skb, o, SG_PROGRAM_CONNECT);
        case SG_HELLO_NO_SNI:
            return REFUSE(no_sni);
        case SG_HELLO_NOT_TLS:
            return REFUSE(not_tls);
        case SG_HELLO_UNSUPPORTED:
            return REFUSE(hello_unsupported);
        case SG_HELLO_NEED_MORE:
            break;
        default:
            return REFUSE(hello_malformed);
    }
    if (s->packet.flags & SG_FIN) return REFUSE(closed_before_hello);
    if (o->contiguous >= SG_STASH_BYTES || o->segments > SG_HELLO_SEGMENTS) return REFUSE(hello_too_big);
    if (!progress && ++o->retransmits >= SG_HELLO_RETRANSMITS) return REFUSE(hello_stalled);
    opening_release(o);
    return DROP(hello_incomplete);
}

/* The client repeats its hello while an endpoint is asked: the clock that repeats our SYN or turns to another endpoint.
 */
static __always_inline int repeat_connect(struct __sk_buff* skb, struct sg_scratch* s, struct sg_config* c,
                                          struct sg_opening* o, __u32 offset, __u32 now) {
    if (offset) {
        opening_release(o);
        return DROP(connecting);
    }
    s->connect_mode = SG_CONNECT_AGAIN;
    if (now - o->connect_started >= SG_MILLISECONDS((__u64)c->connect_timeout_ms * 1000000)) {
        COUNT(endpoint_timeout);
        s->connect_mode = SG_CONNECT_OTHER;
    }
    return go_on(skb, o, SG_PROGRAM_CONNECT);
}

/* A segment of an opening that this CPU has claimed. */
static __always_inline int take_segment(struct __sk_buff* skb, struct sg_scratch* s, struct sg_config* c,
                                        const bool ipv6, struct sg_opening* o) {
    struct sg_packet* p = &s->packet;
    __u32 now = now_milliseconds(), offset = p->seq - o->client_isn - 1;
    int action;
    if (!(p->flags & SG_RST)) { /* a RST has not shown that it knows our cookie */
        o->touched = now;
        o->window = p->window;
        if (s->options.timestamps) {
            o->client_tsval = s->options.tsval;
            o->client_tsecr = s->options.tsecr;
        }
    }
    if (p->flags & SG_RST) {
        if (offset < SG_STASH_BYTES) {
            struct sg_flow* up = flow_find(ipv6, &o->client);
            if (up) connection_abandon(ipv6, &o->client, up, SG_FLOW_CONNECTING, SG_CLOSE_CLIENT_RST);
            o->state = SG_OPENING_FREE;
        }
        action = DROP(connecting);
    } else if (offset == 0xffffffff && p->length <= 1) {
        action = answer_probe(skb, s, ipv6, o->client_isn);
    } else if (offset >= SG_STASH_BYTES) {
        action = DROP(early_data_beyond);
    } else if (!p->length) {
        if (p->flags & SG_FIN && o->state == SG_OPENING_COLLECTING) return REFUSE(closed_before_hello);
        action = DROP(third_ack);
    } else {
        COUNT(hello_segment);
        int progress = stash_segment(skb, s, o, offset);
        if (progress >= 0) {
            if (o->state == SG_OPENING_CONNECTING) return repeat_connect(skb, s, c, o, offset, now);
            return judge_hello(skb, s, o, progress);
        }
        action = DROP(bad_header);
    }
    opening_release(o);
    return action;
}

/*
 * A segment without an opening: what does its cookie say? `older` is the place of an opening that an older connection
 * of this tuple left, or SG_OPENING_NONE; `up` its flow, or NULL. Both stay until the segment has proven itself.
 */
static __always_inline int first_segment(struct __sk_buff* skb, struct sg_scratch* s, struct sg_config* c,
                                         const bool ipv6, const struct opening_home* home, __u32 older,
                                         struct sg_flow* up) {
    struct sg_packet* p = &s->packet;
    __u64 words[5];
    __u32 client_isn = 0, now = now_milliseconds();
    if (p->flags & SG_RST) return DROP(rst_unknown);
    tuple_words(words, &p->tuple);
    enum sg_cookie_verdict verdict =
        sg_cookie_check(c->cookie_key, words, bpf_ktime_get_coarse_ns() >> SG_COOKIE_TICK_SHIFT, p->ack - 1, p->seq,
                        SG_STASH_BYTES, &client_isn);
    if (verdict == SG_COOKIE_FOREIGN) return reset_unknown(skb, s, ipv6);
    if (verdict == SG_COOKIE_PROBE) {
        return p->length <= 1 ? answer_probe(skb, s, ipv6, client_isn) : DROP(early_data_beyond);
    }
    if (!p->length && !(p->flags & SG_FIN && verdict == SG_COOKIE_FIRST)) return DROP(third_ack);
    if (verdict == SG_COOKIE_LATER) COUNT(hello_gap);

    /* its place was needed for another opening, and the client's repeated hello begins anew */
    if (up) connection_abandon(ipv6, &p->tuple, up, SG_FLOW_CONNECTING, 0);
    __u32 index = older == SG_OPENING_NONE ? opening_place(home, now) : older;
    struct sg_opening* o = opening_at(index);
    if (!o) return DROP(stash_full);
    if (!opening_claim(o, now)) return DROP(stash_busy);
    s->opening = index;
    opening_begin(o, s, client_isn);
    opening_set_tag(home, index);
    return take_segment(skb, s, c, ipv6, o);
}

static __always_inline int client_segment(struct __sk_buff* skb, struct sg_scratch* s, struct sg_config* c,
                                          const bool ipv6) {
    struct sg_packet* p = &s->packet;
    if (packet_read(skb, s, ipv6)) return DROP(bad_header);
    if (!packet_intact(skb, s, ipv6)) return DROP(bad_checksum);
    if (!(p->flags & (SG_ACK | SG_RST)) || p->flags & SG_SYN) return DROP(unexpected_flags);
    options_read(skb, s);

    struct sg_flow* up = flow_find(ipv6, &p->tuple);
    struct opening_home home = opening_home(c, &p->tuple);
    __u32 index = opening_find(&home, &p->tuple);
    struct sg_opening* o = opening_at(index);
    if (o) {
        if (!opening_claim(o, now_milliseconds())) return DROP(stash_busy);
        bool current = tuple_equal(&o->client, &p->tuple) && (p->ack == o->cookie + 1 || p->flags & SG_RST) &&
                       (o->state == SG_OPENING_COLLECTING || (o->state == SG_OPENING_CONNECTING && up));
        if (current) {
            s->opening = index;
            return take_segment(skb, s, c, ipv6, o);
        }
        opening_release(o);
    }
    return first_segment(skb, s, c, ipv6, &home, index, up);
}

SEC("tc")
int hello(struct __sk_buff* skb) {
    struct sg_scratch* s = get_scratch();
    struct sg_config* c = get_config();
    if (!s || !c) return DROP(internal);
    return s->packet.ipv6 ? client_segment(skb, s, c, true) : client_segment(skb, s, c, false);
}
