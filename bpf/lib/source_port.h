/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Our source port towards an endpoint. Making the endpoint-to-client entry with "only if absent" is what claims a port.
 * The search goes through the configured range from a random start, SG_PORT_PROBES steps at most; after SG_PORT_FRESH
 * ports in use the port of a closing flow is taken over, and the new connection's ISN then starts beyond all the old
 * one sent, so that an endpoint in TIME-WAIT accepts it (RFC 6191, RFC 9293 3.6.1).
 */
#ifndef SLIPGATE_BPF_SOURCE_PORT_H
#define SLIPGATE_BPF_SOURCE_PORT_H

#include "flow.h"
#include "opening.h"
#include "timestamp.h"

#define SG_PORT_PROBES 512
#define SG_PORT_FRESH 8
#define SG_EEXIST 17

enum port_result {
    PORT_SEARCHING = 0,
    PORT_CLAIMED,
    PORT_TABLE_FULL,
};

struct port_search {
    struct sg_scratch* s;
    const struct sg_config* c;
    struct sg_opening* o;
    struct sg_flow* down; /* entry to make */
    __u32 start, count;
    __u32 result;
    bool ipv6;
    bool recycled;
    __u32 recycled_end; /* one past the highest sequence number the old flow sent to the endpoint */
};

/* Takes the tuple of a flow that is over, whose endpoint-to-client entry is `old` under `key`. */
static __always_inline void tuple_recycle(const bool ipv6, struct port_search* search, const struct sg_tuple* key,
                                          struct sg_flow* old) {
    __u32 end;
    if (old->state == SG_FLOW_ABANDONED) {
        end = old->ack;
        if (!flow_change_state(old, SG_FLOW_ABANDONED, SG_FLOW_DEAD)) return;
        flow_delete(ipv6, key);
    } else {
        struct sg_tuple* client = &search->s->tuples[3];
        struct sg_flow* up = flow_find_up(ipv6, key, old, client);
        if (!up) return;
        end = up->seq_end + up->seq_delta;
        if (!connection_remove(ipv6, client, up, SG_FLOW_CLOSING, 0)) return;
    }
    search->recycled = true;
    search->recycled_end = end;
    COUNT(port_recycled);
}

/*
 * Claims opening_source() and o->our_port towards the endpoint, if `recycle` from a flow that is over. Leaves the key
 * of the entry in s->tuples[0]. Returns 0 if they are in use, else 1 with search->result.
 */
static __always_inline long tuple_claim(const bool ipv6, struct port_search* search, bool recycle) {
    struct sg_opening* o = search->o;
    struct sg_tuple *key = &search->s->tuples[0], *out = &search->s->tuples[1];
    key->source = o->endpoint.address;
    key->destination = *opening_source(o);
    key->source_port = o->endpoint.port;
    key->destination_port = o->our_port;
    tuple_reverse(out, &o->client);
    search->recycled = false;

    struct sg_flow* old = flow_find(ipv6, key);
    if (old) {
        if (!recycle || (old->state != SG_FLOW_CLOSING && old->state != SG_FLOW_ABANDONED)) return 0;
        tuple_recycle(ipv6, search, key, old);
    }
    search->down->ack = search->recycled ? search->recycled_end : 0;
    long error = flow_insert(ipv6, search->s, key, search->down, out, BPF_NOEXIST);
    if (error == -SG_EEXIST) return 0;
    search->result = error ? PORT_TABLE_FULL : PORT_CLAIMED;
    return 1;
}

/* `isn`, or one beyond all that the recycled flow sent; the SYN of an attempt that is made once more is the same. */
static __always_inline __u32 isn_beyond(const struct port_search* search, __u32 isn) {
    if (!search->recycled || search->recycled_end == isn + 1 || sg_seq_before(search->recycled_end, isn)) return isn;
    return search->recycled_end + 1 + (bpf_get_prandom_u32() & 0xffff);
}

static __always_inline long port_try(const bool ipv6, struct port_search* search, __u32 probe) {
    __u16 port = search->c->port_first + (search->start + probe) % search->count;
    search->o->our_port = bpf_htons(port);
    return tuple_claim(ipv6, search, probe >= SG_PORT_FRESH);
}

static long port_step(__u32 probe, struct port_search* search) {
    return search->ipv6 ? port_try(true, search, probe) : port_try(false, search, probe);
}

/*
 * Claims a port for the opening's endpoint by making its endpoint-to-client entry from `down`. On PORT_CLAIMED
 * o->our_port and o->our_isn are set.
 */
static __always_inline enum port_result port_claim(struct sg_scratch* s, const struct sg_config* c, const bool ipv6,
                                                   struct sg_opening* o, struct sg_flow* down) {
    struct port_search search = {
        .s = s, .c = c, .o = o, .down = down, .ipv6 = ipv6, .count = c->port_last - c->port_first + 1};
    if (search.count == 0 || search.count > 65535) return PORT_SEARCHING;
    search.start = bpf_get_prandom_u32() % search.count;
    __u32 probes = search.count + SG_PORT_FRESH; /* every port is looked at once where a closing flow may give way */
    if (probes > SG_PORT_PROBES) probes = SG_PORT_PROBES;
    bpf_loop(probes, port_step, &search, 0);
    if (search.result != PORT_CLAIMED) return search.result;

    struct sg_tuple* ours = &s->tuples[0]; /* as the search left it */
    o->our_isn = isn_beyond(&search, isn_now(c, ours));
    o->our_tsval = timestamp_now(c, ours);
    o->tsval_delta = o->our_tsval - o->client_tsval;
    return PORT_CLAIMED;
}

#endif
