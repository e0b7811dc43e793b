// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Refuses the connection of the claimed opening: the client gets a RST after a completed handshake (what the Gateway
 * API asks for: reject, neither ignore nor answer in TLS), the access log a record, the reason its counter.
 */
#include "lib/build.h"
#include "lib/fib.h"
#include "lib/openings.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline void report_refused(const struct sg_scratch* s, const struct sg_opening* o) {
    struct sg_refusal* refusal = bpf_ringbuf_reserve(&events, sizeof(*refusal), 0);
    if (!refusal) {
        COUNT(events_lost);
        return;
    }
    struct sg_event* event = &refusal->event;
    __builtin_memset(event, 0, sizeof(*event));
    event->time = bpf_ktime_get_ns();
    event->sni = o->sni;
    event->route = o->route;
    event->client = o->client;
    event->endpoint.source = *opening_source(o);
    event->endpoint.destination = o->endpoint.address;
    event->endpoint.source_port = o->our_port;
    event->endpoint.destination_port = o->endpoint.port;
    event->kind = SG_EVENT_REFUSED;
    event->reason = s->reason;
    __builtin_memcpy(refusal->sni, s->sni.text, sizeof(refusal->sni));
    bpf_ringbuf_submit(refusal, 0);
}

static __always_inline int send_rst(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6,
                                    const struct sg_opening* o) {
    struct sg_packet* p = &s->packet;
    struct sg_flow* way = &s->entry;
    struct sg_tuple* back = &s->tuples[0];
    bool from_client = tuple_equal(&p->tuple, &o->client);

    tuple_reverse(back, &o->client);
    __builtin_memset(way, 0, sizeof(*way));
    if (from_client) {
        way->ifindex = skb->ifindex;
        way->flags = SG_FLOW_NEIGHBOUR;
        __builtin_memcpy(way->destination_mac, p->source_mac, ETH_ALEN);
        __builtin_memcpy(way->source_mac, p->destination_mac, ETH_ALEN);
    } else if (fib_resolve_tuple(skb, ipv6, way, back)) {
        return DROP(fib_failed);
    }
    build_headers(s, ipv6, back, way->destination_mac, way->source_mac);
    build_tcp(s, ipv6, o->cookie + 1, 0, SG_RST, 0);
    p->partial = packet_is_partial(skb, p->l4);
    if (build_send(skb, s, ipv6, 0, NULL, 0, 0)) return DROP(rebuild_failed);
    return fib_send(way);
}

SEC("tc")
int refuse(struct __sk_buff* skb) {
    struct sg_scratch* s = get_scratch();
    struct sg_opening* o = s ? opening_at(s->opening) : NULL;
    if (!o) return DROP(internal);
    if (s->reason < SG_COUNTER_MAX) count_at(s->reason * sizeof(__u64));
    report_refused(s, o);
    int action = s->packet.ipv6 ? send_rst(skb, s, true, o) : send_rst(skb, s, false, o);
    o->state = SG_OPENING_FREE;
    opening_release(o);
    return action;
}
