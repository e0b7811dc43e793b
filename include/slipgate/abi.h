/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The pinned maps: every key and value that the BPF programs and the agent share. This is a protocol between
 * programs and agents of different builds; docs/abi.md explains it. A change of layout or meaning raises
 * SG_ABI_VERSION, and an agent refuses maps of another version.
 *
 * Byte order: __be types and struct sg_address are in network order, all else in host order. Padding is explicit and
 * zero.
 */
#ifndef SLIPGATE_ABI_H
#define SLIPGATE_ABI_H

#include <slipgate/counters.h>
#include <slipgate/portable.h>
#include <slipgate/sni.h>

#define SG_ABI_VERSION 1

/* ---- addresses ---- */

/* An IPv6 address, or an IPv4 address as ::ffff:a.b.c.d (RFC 4291 2.5.5.2). */
struct sg_address {
    __be32 word[4];
};

/* One side of a TCP connection as a packet shows it: both addresses, both ports. */
struct sg_tuple {
    struct sg_address source, destination;
    __be16 source_port, destination_port;
};

/* ---- flows: two entries per spliced connection, one for each direction ---- */

enum sg_flow_state {
    SG_FLOW_CONNECTING = 1, /* SYN sent to the endpoint; deltas not known yet */
    SG_FLOW_ESTABLISHED,    /* translated and redirected */
    SG_FLOW_CLOSING,        /* both FINs or a RST seen; late segments are still translated */
    SG_FLOW_DEAD,           /* being removed; packets that meet it are dropped */
    SG_FLOW_ABANDONED,      /* endpoint to client only, what is left of a connection with the client's own port */
};

enum sg_flow_flags {
    SG_FLOW_TO_CLIENT = 1 << 0,  /* direction: endpoint to client (else client to endpoint) */
    SG_FLOW_FIN = 1 << 1,        /* a FIN was seen in this direction */
    SG_FLOW_RST = 1 << 2,        /* a RST was seen in this direction */
    SG_FLOW_NEIGHBOUR = 1 << 3,  /* destination_mac is known; else the kernel resolves it packet by packet */
    SG_FLOW_SYN = 1 << 4,        /* the client sent a SYN on the established flow */
    SG_FLOW_REPORTED = 1 << 5,   /* the end of the connection is in the event ring already */
    SG_FLOW_TIMESTAMPS = 1 << 6, /* we promised timestamps to the client */
    SG_FLOW_SACK = 1 << 7,       /* we promised SACK to the client */
};

/*
 * What to do with a packet that matched. Written by BPF only. The deltas are set before state becomes ESTABLISHED
 * and never change after. "Added" is modulo 2^32.
 *
 * While CONNECTING, fields that have no meaning yet hold what the endpoint's SYN-ACK will be combined with:
 *   client to endpoint: window_shift is the client's window scale (SG_NO_WINDOW_SCALE: none);
 *   endpoint to client: tsval_delta is our last TSval towards the client; ack is as in ABANDONED, of an earlier
 *   connection of ours with this tuple (0: none is known).
 * While ABANDONED, ack is what an answer to the last we sent acknowledges.
 */
struct sg_flow {
    __u64 bytes;       /* TCP payload forwarded, retransmissions included */
    __u64 sni;         /* digest of the SNI, key of the map snis */
    __u32 seq_delta;   /* added to the sequence number */
    __u32 ack_delta;   /* added to the acknowledgement number and to SACK edges */
    __u32 tsval_delta; /* added to TSval */
    __u32 tsecr_delta; /* added to TSecr unless it is zero */
    __u32 state;       /* enum sg_flow_state; changed by compare-and-exchange */
    __u32 seen;        /* SG_SECONDS of the last packet */
    __u32 opened;      /* SG_SECONDS when the entry was made */
    __u32 seq_end;     /* highest sequence number sent in this direction, plus one; as the sender counts */
    __u32 ack;         /* last acknowledgement sent in this direction; as the sender counts */
    __u32 route;       /* index into routes */
    __u32 ifindex;     /* egress interface */
    __u8 destination_mac[6];
    __u8 source_mac[6];
    __be16 source_port; /* what the packet leaves with */
    __be16 destination_port;
    __u16 mtu;         /* of the egress route, bytes from the IP header on */
    __s8 window_shift; /* window field: > 0 left, < 0 right */
    __u8 flags;        /* enum sg_flow_flags */
};

struct sg_flow4_key {
    __be32 source, destination;
    __be16 source_port, destination_port;
};

struct sg_flow4 {
    struct sg_flow flow;
    __be32 source, destination; /* what the packet leaves with */
};

struct sg_flow6 {
    struct sg_flow flow;
    struct sg_address source, destination;
};

/* Clock of seen and opened: coarse monotonic time in units of 2^30 ns (1.07 s). */
#define SG_SECONDS(nanoseconds) ((__u32)((nanoseconds) >> 30))

/* ---- tables: from VIP and name to an endpoint ---- */

struct sg_vip_key {
    struct sg_address address;
    __be16 port;
    __u16 zero;
};

struct sg_vip {
    __u32 id;  /* scopes names; never used again for another VIP */
    __u16 mss; /* bytes, sent to clients in the SYN-ACK */
    __u16 zero;
    __u64 wildcard_depths[2]; /* bit d: some wildcard "*." + d labels exists; bounds what a lookup tries */
};

struct sg_name_key {
    __u64 hash;     /* sni.h */
    __u32 vip;      /* sg_vip.id */
    __u32 wildcard; /* 1: hash is of what follows "*." */
};

#define SG_ROUTE_NONE 0xffffffffU /* a listener owns the name but no route does: refuse, do not look further */

/* `route` and `check` are read as one word: an element may be reused for another name while a program reads it. */
struct sg_name {
    __u32 route;        /* index into routes, or SG_ROUTE_NONE */
    __u32 check;        /* sg_name_check() of the key */
    char hostname[256]; /* as configured, for readers of the map; zero-terminated */
};

SG_INLINE __u32 sg_name_check(const struct sg_name_key* key) {
    return (__u32)(key->hash >> 32) ^ (key->vip * 0x9e3779b1U) ^ key->wildcard;
}

/*
 * A descriptor of a range in another array, published by one 64-bit store. A range that is no longer published is left
 * alone for at least a second before it is used again: a program may still read it.
 */
union sg_range {
    __u64 word;
    struct {
        __u32 first;
        __u16 count;
        __u16 generation; /* goes up with every change, for readers of the map */
    } part;
};

/* weights[]: the backendRefs of a route, in the range that routes[route] names. */
struct sg_weight {
    __u32 running_total; /* weights.h */
    __u32 backend;       /* index of a backend, or SG_BACKEND_INVALID */
};

#define SG_BACKEND_INVALID 0xffffffffU /* an invalid backendRef keeps its share, and that share is refused */

/* backends[] holds two descriptors per backend, one for each family. */
#define SG_BACKEND_SLOT(backend, is_ipv6) ((backend) * 2 + ((is_ipv6) ? 1 : 0))

enum sg_endpoint_flags {
    SG_ENDPOINT_PRESERVE = 1 << 0,      /* it sees the client's address and port: its answers come back to this node */
    SG_ENDPOINT_PRESERVE_ONLY = 1 << 1, /* with PRESERVE: refuse rather than show it an address of ours */
};

/* endpoints[]: in the range that a backend's descriptor names. */
struct sg_endpoint {
    struct sg_address address;
    struct sg_address source; /* the address the kernel's routing would choose towards it */
    __be16 port;
    __u16 mss;   /* bytes: largest segment that fits the way to it */
    __u32 flags; /* enum sg_endpoint_flags */
};

struct sg_label {
    char text[320]; /* "namespace/name" of a route, "namespace/service:port" of a backend; zero-terminated */
};

/* snis[]: SNI by digest, for the access log. An LRU: a cache, losing an entry loses a name in the log. */
struct sg_sni {
    char text[256];
};

/* ---- settings ---- */

enum sg_config_flags {
    SG_CONFIG_TIMESTAMPS = 1 << 0, /* negotiate timestamps with clients that offer them */
    SG_CONFIG_SACK = 1 << 1,       /* negotiate SACK with clients that offer it */
};

struct sg_config {
    __u32 abi_version;        /* SG_ABI_VERSION */
    __u32 flags;              /* enum sg_config_flags */
    __u64 name_key[2];        /* secret of sni.h, drawn once per installation */
    __u64 cookie_key[2];      /* secret of cookie.h and of our initial sequence numbers */
    __u32 connect_timeout_ms; /* silence of an endpoint after which another one is tried */
    __u32 rst_per_second;     /* RSTs to packets of no connection of ours, per CPU */
    __u16 port_first;         /* source ports towards endpoints, both inclusive */
    __u16 port_last;
    __u8 window_scale; /* promised to clients */
    __u8 zero[3];
    __u32 routes_used; /* indices of routes below this were in use at some time: the next agent lets them rest */
    __u32 backends_used;
};

/* ---- events: one record per connection that ended or was refused ---- */

enum sg_event_kind {
    SG_EVENT_CLOSED = 1, /* struct sg_event; reason is enum sg_close_reason */
    SG_EVENT_REFUSED,    /* struct sg_refusal; reason is enum sg_counter */
};

enum sg_close_reason {
    SG_CLOSE_FIN = 1, /* both sides sent FIN */
    SG_CLOSE_CLIENT_RST,
    SG_CLOSE_ENDPOINT_RST,
    SG_CLOSE_IDLE,            /* no packet for the idle timeout */
    SG_CLOSE_CONNECT_TIMEOUT, /* the endpoint never answered and the client gave up */
    SG_CLOSE_TUPLE_REUSED,    /* the client opened a new connection with the same ports, the endpoint was silent */
};

struct sg_event {
    __u64 time;     /* CLOCK_MONOTONIC, nanoseconds */
    __u64 sni;      /* digest, key of snis; 0: none */
    __u64 bytes_up; /* client to endpoint */
    __u64 bytes_down;
    __u32 duration;           /* SG_SECONDS */
    __u32 route;              /* index, or SG_ROUTE_NONE */
    struct sg_tuple client;   /* as the client sends: source client, destination VIP */
    struct sg_tuple endpoint; /* as we send: source ours, destination endpoint; zero if none was chosen */
    __u16 kind;               /* enum sg_event_kind */
    __u16 reason;
    __u32 zero;
};

struct sg_refusal {
    struct sg_event event;
    char sni[256]; /* as sent, zero-terminated; empty if there was none. Foreign bytes: escape before printing */
};

/* ---- garbage collection: the agent proposes, the program gc decides (docs/abi.md) ---- */

#define SG_GC_BATCH 1024

struct sg_gc_candidate {
    struct sg_tuple key; /* of a flow entry; IPv4 as ::ffff: */
};

struct sg_gc_limits {
    __u32 closing; /* SG_SECONDS units without a packet after which an entry in that state goes */
    __u32 connecting;
    __u32 idle;
    __u32 count;   /* candidates in the batch */
    __u32 removed; /* out: entries deleted */
    __u32 zero;
};

/* ---- layout ---- */
SG_STATIC_ASSERT(sizeof(struct sg_address) == 16, "abi");
SG_STATIC_ASSERT(sizeof(struct sg_tuple) == 36, "abi");
SG_STATIC_ASSERT(sizeof(struct sg_flow) == 80, "abi");
SG_STATIC_ASSERT(sizeof(struct sg_flow4_key) == 12, "abi");
SG_STATIC_ASSERT(sizeof(struct sg_flow4) == 88, "abi: 320 bytes of map per IPv4 connection");
SG_STATIC_ASSERT(sizeof(struct sg_flow6) == 112, "abi: 448 bytes of map per IPv6 connection");
SG_STATIC_ASSERT(sizeof(struct sg_vip_key) == 20, "abi");
SG_STATIC_ASSERT(sizeof(struct sg_vip) == 24, "abi");
SG_STATIC_ASSERT(sizeof(struct sg_name_key) == 16, "abi");
SG_STATIC_ASSERT(sizeof(struct sg_name) == 264, "abi");
SG_STATIC_ASSERT(sizeof(union sg_range) == 8, "abi");
SG_STATIC_ASSERT(sizeof(struct sg_weight) == 8, "abi");
SG_STATIC_ASSERT(sizeof(struct sg_endpoint) == 40, "abi");
SG_STATIC_ASSERT(sizeof(struct sg_config) == 64, "abi");
SG_STATIC_ASSERT(sizeof(struct sg_event) == 120, "abi");
SG_STATIC_ASSERT(sizeof(struct sg_refusal) == 376, "abi");
SG_STATIC_ASSERT(sizeof(struct sg_gc_limits) == 24, "abi");

#endif
