/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every counter of the data plane, declared once: the fields of the per-CPU map `counters`, the metric names and the
 * refusal reasons in the access log all come from this list. docs/errors.md says what each means.
 */
#ifndef SLIPGATE_COUNTERS_H
#define SLIPGATE_COUNTERS_H

#include <slipgate/portable.h>

/* Refusals: the client gets a RST, the access log a line. X(name, help) */
#define SG_REFUSALS(X)                                                                       \
    X(not_tls, "first bytes are no TLS handshake record")                                    \
    X(hello_malformed, "ClientHello with impossible lengths or values")                      \
    X(hello_unsupported, "ClientHello spread over several TLS records")                      \
    X(hello_too_big, "server name not within the first 8 KiB or 8 segments")                 \
    X(hello_stalled, "ClientHello still incomplete after 3 retransmissions")                 \
    X(closed_before_hello, "client closed before a complete ClientHello")                    \
    X(no_sni, "ClientHello without server_name")                                             \
    X(sni_invalid, "server name is no host name")                                            \
    X(sni_ip_literal, "server name is an IP address")                                        \
    X(no_route, "no listener or route for the server name")                                  \
    X(no_backend, "the chosen share belongs to an invalid backendRef, or all weights are 0") \
    X(no_endpoint, "the chosen backend has no endpoint of the client's family")              \
    X(endpoint_refused, "every endpoint tried refused the connection or was silent")         \
    X(source_ports_exhausted, "no free source port towards the endpoint")                    \
    X(client_port_in_use, "the client's own port is in use towards the endpoint")            \
    X(flow_table_full, "no room for the connection's flow entries")                          \
    X(endpoint_unreachable, "no route to the chosen endpoint")

/* Packets dropped, all but too_big without an answer; the sender sends again or gives up. */
#define SG_DROPS(X)                                                                      \
    X(fragment, "first fragment of a packet of ours")                                    \
    X(bad_header, "truncated or contradictory IP or TCP header")                         \
    X(martian, "from an address that no sender has, or to many receivers")               \
    X(ttl_expired, "TTL or hop limit used up")                                           \
    X(bad_checksum, "RST, ICMP error or packet of an opening with a wrong checksum")     \
    X(hello_incomplete, "segment kept, the server name is not complete yet")             \
    X(stash_busy, "another CPU works on the same opening")                               \
    X(stash_full, "no place to keep a ClientHello")                                      \
    X(early_data_beyond, "data past the kept bytes of an opening")                       \
    X(unexpected_flags, "flag combination no open connection has")                       \
    X(unexpected_ack, "acknowledgement outside the opening")                             \
    X(third_ack, "bare ACK that completes a handshake: nothing to keep")                 \
    X(connecting, "packet of a connection whose endpoint has not answered yet")          \
    X(dead_flow, "packet of a flow that is being removed")                               \
    X(unknown_flow_limited, "packet of an unknown flow, RST withheld by the rate limit") \
    X(rst_unknown, "RST for an unknown flow")                                            \
    X(too_big, "larger than the MTU of its way out: the sender is told by ICMP")         \
    X(too_big_limited, "larger than the way's MTU, ICMP withheld by the rate limit")     \
    X(icmp_out_of_window, "ICMP error about a segment that is not on its way")           \
    X(fib_failed, "the kernel found no way to forward to")                               \
    X(synack_stale, "repeated SYN-ACK whose hello is no longer kept")                    \
    X(rebuild_failed, "the packet could not be rebuilt")                                 \
    X(no_vip, "packet of a VIP that was removed")                                        \
    X(internal, "a map or program that always exists was not found")

/* What happened on the way. */
#define SG_OCCURRENCES(X)                                                        \
    X(syn, "SYNs to a VIP")                                                      \
    X(syn_ack, "SYN cookies sent")                                               \
    X(hello_segment, "segments of ClientHellos")                                 \
    X(hello_gap, "openings that began with a later segment than the first")      \
    X(hello, "ClientHellos with a server name")                                  \
    X(keepalive_answered, "keepalive probes answered before the hello")          \
    X(endpoint_syn, "SYNs sent to endpoints")                                    \
    X(endpoint_syn_ack, "SYN-ACKs of endpoints")                                 \
    X(endpoint_rst, "RSTs of endpoints in answer to a SYN")                      \
    X(endpoint_retry, "connections tried at another endpoint")                   \
    X(endpoint_timeout, "endpoints silent for the connect timeout")              \
    X(endpoint_challenge, "SYNs answered by an old connection of the endpoint")  \
    X(endpoint_mss_too_small, "endpoints that take only tiny segments")          \
    X(endpoint_no_window_scale, "endpoints without window scaling we promised")  \
    X(endpoint_no_sack, "endpoints without SACK we promised")                    \
    X(endpoint_no_timestamps, "endpoints without timestamps we promised")        \
    X(established, "connections spliced")                                        \
    X(syn_ack_repeated, "SYN-ACKs of endpoints answered again")                  \
    X(syn_on_established, "SYNs on an established flow")                         \
    X(tuple_reused, "flows given up for a new connection of the same tuple")     \
    X(preserve, "connections that show the endpoint the client's address")       \
    X(preserve_fallback, "connections that show our address after all")          \
    X(preserve_foreign, "packets to a client's own port that answer none of us") \
    X(port_recycled, "source ports taken over from a closing flow")              \
    X(rst_sent, "RSTs for unknown flows")                                        \
    X(rst_out_of_window, "RSTs forwarded but not believed")                      \
    X(icmp_translated, "ICMP errors translated to the other side")               \
    X(fib_fallback, "packets sent the last known way, as the kernel found none") \
    X(neighbour_unresolved, "packets left to the kernel's neighbour resolution") \
    X(option_walk, "packets with TCP options in an unusual layout")              \
    X(gc_removed, "flow entries removed by garbage collection")                  \
    X(events_lost, "events lost because the ring was full")

#define SG_COUNTERS(X) SG_REFUSALS(X) SG_DROPS(X) SG_OCCURRENCES(X)

/* Map value, per CPU. One field per counter, so that bpftool prints the names. */
struct sg_counters {
#define X(name, help) __u64 name;
    SG_COUNTERS(X)
#undef X
};

/* Position of each counter, in the order of the fields. */
enum sg_counter {
#define X(name, help) SG_COUNTER_##name,
    SG_COUNTERS(X)
#undef X
        SG_COUNTER_MAX
};

SG_STATIC_ASSERT(sizeof(struct sg_counters) == SG_COUNTER_MAX * 8, "one 64-bit field per counter");

#endif
