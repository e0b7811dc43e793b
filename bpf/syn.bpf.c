// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A client's SYN to a VIP: answered by a SYN cookie. Nothing is stored, so a flood of SYNs costs nothing but this
 * program. */
#include "lib/build.h"
#include "lib/flow.h"
#include "lib/openings.h"
#include "lib/timestamp.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

/*
 * Makes way for a new connection of the same tuple. The cookie of a connection that is being opened by this very SYN
 * (it was sent twice) is kept, so that both SYN-ACKs say the same. Returns that cookie, or 0.
 */
static __always_inline __u32 forget_older(struct sg_config* c, const bool ipv6, const struct sg_packet* p) {
    struct sg_flow* up = flow_find(ipv6, &p->tuple);
    struct opening_home home = opening_home(c, &p->tuple);
    struct sg_opening* o = opening_at(opening_find(&home, &p->tuple));
    bool same = o && o->client_isn == p->seq && o->state != SG_OPENING_DONE;
    if (same) return o->cookie;
    if (!up) return 0;
    if (connection_abandon(ipv6, &p->tuple, up, SG_FLOW_CLOSING, 0) ||
        connection_abandon(ipv6, &p->tuple, up, SG_FLOW_CONNECTING, 0))
        COUNT(tuple_reused);
    return 0;
}

static __always_inline int answer_syn(struct __sk_buff* skb, struct sg_scratch* s, struct sg_config* c,
                                      const bool ipv6) {
    struct sg_packet* p = &s->packet;
    if (packet_read(skb, s, ipv6)) return DROP(bad_header);
    if (!packet_intact(skb, s, ipv6)) return DROP(bad_checksum);
    struct sg_vip_key key = {.address = p->tuple.destination, .port = p->tuple.destination_port};
    struct sg_vip* vip = bpf_map_lookup_elem(&vips, &key);
    if (!vip) return DROP(no_vip);
    COUNT(syn);

    options_read(skb, s);
    struct sg_options* options = &s->options;
    bool sack = options->sack && c->flags & SG_CONFIG_SACK;
    bool timestamps = options->timestamps && c->flags & SG_CONFIG_TIMESTAMPS;
    __u64 words[5];
    tuple_words(words, &p->tuple);
    __u32 isn = forget_older(c, ipv6, p);
    if (!isn) {
        struct sg_cookie cookie = {.mss = options->mss, .sack = sack, .window_scale = options->window_scale};
        __u64 tick = bpf_ktime_get_coarse_ns() >> SG_COOKIE_TICK_SHIFT;
        isn = sg_cookie_make(sg_cookie_hash(c->cookie_key, words, tick), p->seq, cookie);
    }

    struct sg_tuple back;
    tuple_reverse(&back, &p->tuple);
    build_headers(s, ipv6, &back, p->source_mac, p->destination_mac);
    build_tcp(s, ipv6, isn, p->seq + 1, SG_SYN | SG_ACK, 0xffff);
    struct sg_offer offer = {
        .mss = vip->mss,
        .window_scale = options->window_scale == SG_NO_WINDOW_SCALE ? SG_NO_WINDOW_SCALE : c->window_scale,
        .sack = sack,
        .timestamps = timestamps,
        .tsval = timestamp_now(c, &back),
        .tsecr = options->tsval,
    };
    __u32 length = options_write(build_options(s, ipv6), &offer);
    if (build_send(skb, s, ipv6, length, NULL, 0, 0)) return DROP(rebuild_failed);
    COUNT(syn_ack);
    return send_back(skb);
}

SEC("tc")
int syn(struct __sk_buff* skb) {
    struct sg_scratch* s = get_scratch();
    struct sg_config* c = get_config();
    if (!s || !c) return DROP(internal);
    return s->packet.ipv6 ? answer_syn(skb, s, c, true) : answer_syn(skb, s, c, false);
}
