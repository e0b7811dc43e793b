// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The server name is known: choose route, backend and endpoint, make the flow entries, and turn the packet at hand into
 * the SYN to the endpoint. Also asked to repeat that SYN, or to try another endpoint of the same backend (never of
 * another one: the weights decide between backends). The opening at hand is claimed; this program releases it.
 */
#include "lib/choose.h"
#include "lib/endpoint_syn.h"
#include "lib/lookup.h"
#include "lib/openings.h"
#include "lib/source.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline int refuse(struct __sk_buff* skb, struct sg_scratch* s, struct sg_opening* o, __u32 reason) {
    s->reason = reason;
    bpf_tail_call(skb, &programs, SG_PROGRAM_REFUSE);
    opening_release(o);
    return DROP(internal);
}

/* The name behind a digest, for the access log. Written when it is not there yet. */
static __always_inline void remember_sni(struct sg_scratch* s, __u64 digest) {
    if (!bpf_map_lookup_elem(&snis, &digest)) bpf_map_update_elem(&snis, &digest, &s->sni, BPF_ANY);
}

/* Sets route, backend and endpoint of the opening by its name. Returns 0, or the reason to refuse plus one. */
static __always_inline __u32 choose(struct sg_scratch* s, const struct sg_config* c, const bool ipv6,
                                    struct sg_opening* o) {
    name_hash(s, o, c);
    if (s->name.status == SG_NAME_INVALID) return SG_COUNTER_sni_invalid + 1;
    if (s->name.status == SG_NAME_IP_LITERAL) return SG_COUNTER_sni_ip_literal + 1;
    struct sg_vip_key key = {.address = o->client.destination, .port = o->client.destination_port};
    if (!vip_read(&key, &s->vip)) return SG_COUNTER_no_route + 1;
    o->sni = name_digest(s, s->name.depth);
    o->route = route_lookup(s, &s->vip);
    if (o->route == SG_ROUTE_NONE) return SG_COUNTER_no_route + 1;
    o->backend = choose_backend(o->route);
    if (o->backend == SG_BACKEND_INVALID) return SG_COUNTER_no_backend + 1;
    o->attempts = 0;
    if (!choose_endpoint(o, ipv6, false)) return SG_COUNTER_no_endpoint + 1;
    remember_sni(s, o->sni);
    return 0;
}

/* Makes both flow entries towards the endpoint at hand. Returns 0, or the reason to refuse plus one. */
static __always_inline __u32 make_flows(struct __sk_buff* skb, struct sg_scratch* s, const struct sg_config* c,
                                        const bool ipv6, struct sg_opening* o) {
    struct sg_flow* entry = &s->entry;
    struct sg_tuple *out = &s->tuples[0], *down_key = &s->tuples[1];
    __u8 promised = (o->timestamps ? SG_FLOW_TIMESTAMPS : 0) | (o->sack ? SG_FLOW_SACK : 0);

    __builtin_memset(entry, 0, sizeof(*entry));
    entry->state = SG_FLOW_CONNECTING;
    entry->seen = entry->opened = now_seconds();
    entry->route = o->route;
    entry->sni = o->sni;
    entry->flags = SG_FLOW_TO_CLIENT | promised;
    entry->tsval_delta =
        o->client_tsecr; /* our last TSval towards the client; the endpoint's SYN-ACK makes a difference of it */
    entry->source_port = o->client.destination_port;
    entry->destination_port = o->client.source_port;
    enum port_result claimed = source_claim(s, c, ipv6, o, entry);
    if (claimed == PORT_TABLE_FULL) return SG_COUNTER_flow_table_full + 1;
    if (claimed != PORT_CLAIMED)
        return 1 + (o->endpoint.flags & SG_ENDPOINT_PRESERVE ? SG_COUNTER_client_port_in_use
                                                             : SG_COUNTER_source_ports_exhausted);

    out->source = *opening_source(o);
    out->destination = o->endpoint.address;
    out->source_port = o->our_port;
    out->destination_port = o->endpoint.port;
    tuple_reverse(down_key, out);
    entry->flags = promised;
    entry->seq_delta = o->our_isn - o->client_isn;
    entry->tsval_delta = o->tsval_delta;
    entry->seq_end = o->client_isn + 1;
    entry->ack = o->cookie + 1;
    entry->window_shift = o->window_scale;
    entry->source_port = o->our_port;
    entry->destination_port = o->endpoint.port;
    __u32 refused = 0;
    if (fib_resolve_tuple(skb, ipv6, entry, out)) {
        refused = SG_COUNTER_endpoint_unreachable + 1;
    } else if (flow_insert(ipv6, s, &o->client, entry, out, BPF_NOEXIST)) {
        refused = SG_COUNTER_flow_table_full + 1;
    }
    if (refused) flow_delete(ipv6, down_key);
    return refused;
}

/*
 * Another endpoint of the same backend, in place of the one at hand. A silent one without an alternative is asked
 * again, with our address if the client's may be why: its answers may not come back to this node. Returns 0, or the
 * reason to refuse plus one.
 */
static __always_inline __u32 choose_other(const bool ipv6, struct sg_opening* o, bool* repeat) {
    struct sg_flow* up = flow_find(ipv6, &o->client);
    *repeat = false;
    if (o->attempts >= SG_CONNECT_ATTEMPTS) {
        if (up) connection_abandon(ipv6, &o->client, up, SG_FLOW_CONNECTING, 0);
        return SG_COUNTER_endpoint_refused + 1;
    }
    if (choose_endpoint(o, ipv6, true)) {
        COUNT(endpoint_retry);
    } else if (!up) {
        return SG_COUNTER_endpoint_refused + 1; /* a refusing one has no flow left */
    } else if ((o->endpoint.flags & (SG_ENDPOINT_PRESERVE | SG_ENDPOINT_PRESERVE_ONLY)) == SG_ENDPOINT_PRESERVE) {
        use_own_address(o);
    } else {
        *repeat = true;
        return 0;
    }
    if (up) connection_abandon(ipv6, &o->client, up, SG_FLOW_CONNECTING, 0);
    return 0;
}

static __always_inline int connect_endpoint(struct __sk_buff* skb, struct sg_scratch* s, const struct sg_config* c,
                                            const bool ipv6) {
    struct sg_opening* o = opening_at(s->opening);
    if (!o) return DROP(internal);
    bool repeat = s->connect_mode == SG_CONNECT_AGAIN;
    s->sni.text[0] = 0; /* a refusal carries it */
    __u32 refused = 0;
    if (s->connect_mode == SG_CONNECT_NEW) refused = choose(s, c, ipv6, o);
    if (s->connect_mode == SG_CONNECT_OTHER) refused = choose_other(ipv6, o, &repeat);
    if (!refused && !repeat) {
        o->connect_started = now_milliseconds();
        o->attempts++;
        refused = make_flows(skb, s, c, ipv6, o);
    }

    int action;
    struct sg_flow* up = flow_find(ipv6, &o->client);
    if (refused && !up) return refuse(skb, s, o, refused - 1);
    if (refused) { /* the hello came twice at the same time, and another CPU has made the connection */
        o->state = SG_OPENING_FREE;
        action = DROP(stash_busy);
    } else if (up) {
        o->state = SG_OPENING_CONNECTING;
        up->seen = now_seconds();
        s->packet.partial = packet_is_partial(skb, s->packet.l4);
        action = endpoint_syn(skb, s, ipv6, o, up);
    } else {
        o->state = SG_OPENING_FREE;
        action = DROP(dead_flow);
    }
    opening_release(o);
    return action;
}

SEC("tc")
int connect(struct __sk_buff* skb) {
    struct sg_scratch* s = get_scratch();
    struct sg_config* c = get_config();
    if (!s || !c) return DROP(internal);
    return s->packet.ipv6 ? connect_endpoint(skb, s, c, true) : connect_endpoint(skb, s, c, false);
}
