/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What an endpoint sees as the other side: the client's own address and port where the endpoint's entry says so
 * (SG_ENDPOINT_PRESERVE), else an address and port of ours. docs/decisions/0009 says why it is done this way.
 */
#ifndef SLIPGATE_BPF_SOURCE_H
#define SLIPGATE_BPF_SOURCE_H

#include "source_port.h"

/* The endpoint at hand will see an address of ours instead of the client's. */
static __always_inline void use_own_address(struct sg_opening* o) {
    o->endpoint.flags &= ~SG_ENDPOINT_PRESERVE;
    COUNT(preserve_fallback);
}

/*
 * The client's own tuple. It is in use if the client has another connection to the endpoint from the same port, through
 * another VIP. A client that is itself the endpoint would get packets from its own address, and drop them.
 *
 * The endpoint sees the client's own ISN and timestamps: they grow from one connection of a tuple to the next, so
 * reusing a port is judged as it would be without a gateway (RFC 6191).
 */
static __always_inline enum port_result client_tuple_claim(struct sg_scratch* s, const bool ipv6, struct sg_opening* o,
                                                           struct sg_flow* down) {
    struct port_search search = {.s = s, .o = o, .down = down, .ipv6 = ipv6};
    if (address_equal(&o->client.source, &o->endpoint.address)) return PORT_SEARCHING;
    o->our_port = o->client.source_port;
    tuple_claim(ipv6, &search, true);
    o->our_isn = isn_beyond(&search, o->client_isn);
    o->our_tsval = o->client_tsval;
    o->tsval_delta = 0;
    return search.result;
}

/*
 * Claims an address and port towards the opening's endpoint by making its endpoint-to-client entry from `down`. On
 * PORT_CLAIMED o->our_port, our_isn and the timestamps are set, and opening_source() is the address.
 */
static __always_inline enum port_result source_claim(struct sg_scratch* s, const struct sg_config* c, const bool ipv6,
                                                     struct sg_opening* o, struct sg_flow* down) {
    if (o->endpoint.flags & SG_ENDPOINT_PRESERVE) {
        enum port_result result = client_tuple_claim(s, ipv6, o, down);
        if (result == PORT_CLAIMED) COUNT(preserve);
        if (result != PORT_SEARCHING || o->endpoint.flags & SG_ENDPOINT_PRESERVE_ONLY) return result;
        use_own_address(o);
    }
    return port_claim(s, c, ipv6, o, down);
}

#endif
