/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * An opening: what is kept of a connection between the first segment of its ClientHello and the endpoint's SYN-ACK.
 * Openings live in a set-associative cache: a keyed hash of the tuple selects a set, and one of its ways is used.
 * Nothing in it is owed to anyone: no byte kept here was acknowledged, so a client that loses its place just sends
 * again.
 */
#ifndef SLIPGATE_BPF_OPENING_H
#define SLIPGATE_BPF_OPENING_H

#include <slipgate/abi.h>
#include <slipgate/client_hello.h>

#define SG_OPENING_SETS 512 /* a power of two */
#define SG_OPENING_WAYS 8

#define SG_HELLO_SEGMENTS 8    /* segments of a hello kept apart until they join */
#define SG_HELLO_RETRANSMITS 3 /* retransmissions without progress until the opening is refused */
#define SG_CONNECT_ATTEMPTS 4  /* endpoints tried for one connection */
#define SG_SEGMENT_MAX 2048    /* largest segment of the hello sent to an endpoint, payload bytes */
#define SG_SEGMENT_MIN 64      /* smallest one, but for the last: bounds their number */
#define SG_MSS_MIN 76          /* of an endpoint: SG_SEGMENT_MIN and timestamps (RFC 9293 3.7.1) */

enum sg_opening_state {
    SG_OPENING_FREE = 0,
    SG_OPENING_COLLECTING, /* hello incomplete */
    SG_OPENING_CONNECTING, /* SYN sent to an endpoint */
    SG_OPENING_DONE,       /* hello handed over; kept for a repeated SYN-ACK until the place is needed */
};

/* Integers in host order. */
struct sg_opening {
    __u32 lock;             /* milliseconds when claimed, 0: free. Claimed by compare-and-exchange, stolen when stale */
    __u32 state;            /* enum sg_opening_state */
    struct sg_tuple client; /* as the client sends */
    __u32 touched;          /* SG_MILLISECONDS of the last segment: the oldest way of a set is reused first */
    __u32 client_isn;
    __u32 cookie;          /* our ISN towards the client */
    __u32 our_isn;         /* towards the endpoint */
    __u32 client_tsval;    /* latest TSval of the client */
    __u32 client_tsecr;    /* what it echoed: our TSval towards it */
    __u32 our_tsval;       /* sent in the SYN to the endpoint */
    __u32 tsval_delta;     /* fixed when the SYN is sent */
    __u32 connect_started; /* SG_MILLISECONDS of the first SYN to the endpoint at hand */
    __u32 route;
    __u32 backend;
    __u32 endpoint_index; /* position inside the backend's range, of the endpoint at hand */
    struct sg_endpoint endpoint;
    __be16 our_port;
    __u16 mss;         /* the client's, from the cookie */
    __u16 window;      /* the client's last, unscaled field */
    __u8 window_scale; /* the client's, SG_NO_WINDOW_SCALE: none */
    __u8 sack;
    __u8 timestamps;
    __u8 attempts;    /* endpoints tried */
    __u8 retransmits; /* segments that brought nothing new */
    __u8 segments;    /* used entries of at[] and length[] */
    __u64 sni;        /* digest */
    __u32 contiguous; /* bytes at hand from the start of the stream */
    __u32 name_at;    /* of the SNI in data */
    __u32 name_length;
    __u16 at[SG_HELLO_SEGMENTS];
    __u16 length[SG_HELLO_SEGMENTS];
    __u8 data[SG_STASH_BYTES + SG_SEGMENT_MAX]; /* slack so that "offset + length" needs no second bound */
};

/*
 * Of one set: a hash of the tuple of each way's opening, 0 if it never had one. An opening is larger than a page, and a
 * look at each way would miss the cache and the TLB eight times for what is in one line here.
 */
struct sg_opening_tags {
    __u32 tag[SG_OPENING_WAYS];
};

/* What the endpoint at hand sees as the other side's address. */
static __always_inline const struct sg_address* opening_source(const struct sg_opening* o) {
    return o->endpoint.flags & SG_ENDPOINT_PRESERVE ? &o->client.source : &o->endpoint.source;
}

#define SG_MILLISECONDS(nanoseconds) ((__u32)((nanoseconds) >> 20)) /* 1.05 ms */

#endif
