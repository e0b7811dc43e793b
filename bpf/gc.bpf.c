// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Removes flow entries that are over. The agent walks the maps and proposes keys in gc_batch; this program, run by the
 * agent, decides: it looks again, and a compare-and-exchange on the state makes sure that what it deletes is what it
 * looked at. User space cannot do that: between its look and its delete the client may have reused the tuple.
 *
 * The kernel may preempt this program, and give the memory of a deleted entry to a new one meanwhile. So it looks once
 * more when the entry is DEAD, and brings it back to life if it is not over. Packets that met it are sent again.
 */
#include "lib/flow.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct gc_loop {
    struct sg_gc_limits* limits;
    __u32 now;
    __u32 removed;
};

/*
 * How long a connection may be silent while one side still waits for the acknowledgement of its FIN, and of the data
 * before it: RTOs double, and the next retransmission may be this far off. SG_SECONDS units; the 30 s of LAST-ACK in
 * net/netfilter/nf_conntrack_proto_tcp.c.
 */
#define SG_GC_LAST_ACK 28U

/* Was all that `flow` forwarded acknowledged by its receiver? `peer` is the other direction. */
static __always_inline bool is_acknowledged(const struct sg_flow* flow, const struct sg_flow* peer) {
    return !sg_seq_before(peer->ack, flow->seq_end + flow->seq_delta);
}

/* SG_SECONDS units that a connection in this state may be without a packet. */
static __always_inline __u32 gc_limit(const struct gc_loop* gc, __u32 state, const struct sg_flow* up,
                                      const struct sg_flow* down) {
    const struct sg_gc_limits* limits = gc->limits;
    if (state == SG_FLOW_ESTABLISHED) return limits->idle;
    if (state == SG_FLOW_CONNECTING) return limits->connecting;
    if (!down || (up->flags | down->flags) & SG_FLOW_RST || (is_acknowledged(up, down) && is_acknowledged(down, up)))
        return limits->closing;
    return limits->closing < SG_GC_LAST_ACK ? SG_GC_LAST_ACK : limits->closing;
}

/* Has no direction of a connection in this state seen a packet for as long as the state may last? */
static __always_inline bool has_been_silent(const struct gc_loop* gc, __u32 state, const struct sg_flow* up,
                                            const struct sg_flow* down) {
    __u32 limit = gc_limit(gc, state, up, down);
    if ((__s32)(gc->now - up->seen - limit) <= 0) return false;
    return !down || (__s32)(gc->now - down->seen - limit) > 0;
}

static __always_inline void gc_connection(const bool ipv6, struct gc_loop* gc, const struct sg_tuple* key) {
    struct sg_flow* flow = flow_find(ipv6, key);
    if (!flow) return;
    struct sg_tuple other_key;
    flow_other_key(ipv6, flow, &other_key);
    struct sg_flow* other = flow_find(ipv6, &other_key);
    if (other && !flow_answered_by(ipv6, other, key)) other = NULL; /* of another connection of that tuple */
    bool to_client = flow->flags & SG_FLOW_TO_CLIENT;
    if (to_client && !other) { /* an orphan: its client-to-endpoint entry is gone */
        __u32 state = SG_MEMORY(flow->state);
        if ((__s32)(gc->now - flow->seen - gc->limits->closing) <= 0 || !flow_change_state(flow, state, SG_FLOW_DEAD))
            return;
        if (flow_find(ipv6, key) != flow) { /* taken over by a new connection, its memory by another */
            flow_change_state(flow, SG_FLOW_DEAD, state);
            return;
        }
        flow_delete(ipv6, key);
        gc->removed++;
        return;
    }
    struct sg_flow *up = to_client ? other : flow, *down = to_client ? flow : other;
    if (!up) return;
    __u32 state = SG_MEMORY(up->state);
    if (!has_been_silent(gc, state, up, down)) return;
    __u16 reason = state == SG_FLOW_ESTABLISHED  ? SG_CLOSE_IDLE
                   : state == SG_FLOW_CONNECTING ? SG_CLOSE_CONNECT_TIMEOUT
                                                 : 0;
    struct sg_tuple client = to_client ? other_key : *key;
    if (!flow_change_state(up, state, SG_FLOW_DEAD)) return;
    if (flow_find(ipv6, &client) != up || !has_been_silent(gc, state, up, down)) {
        flow_change_state(up, SG_FLOW_DEAD, state);
        return;
    }
    connection_delete(ipv6, &client, up, reason, false);
    gc->removed += down ? 2 : 1;
}

static long gc_step(__u32 index, struct gc_loop* gc) {
    struct sg_gc_candidate* candidate = bpf_map_lookup_elem(&gc_batch, &index);
    if (!candidate || index >= gc->limits->count) return 1;
    struct sg_tuple key = candidate->key;
    if (address_is_ipv4(&key.source)) {
        gc_connection(false, gc, &key);
    } else {
        gc_connection(true, gc, &key);
    }
    return 0;
}

SEC("syscall")
int gc(void* context) {
    __u32 zero = 0;
    struct sg_gc_limits* limits = bpf_map_lookup_elem(&gc_limits, &zero);
    if (!limits) return 1;
    struct gc_loop loop = {.limits = limits,
                           .now = SG_SECONDS(bpf_ktime_get_ns())}; /* the coarse clock is not for this program type */
    bpf_loop(SG_GC_BATCH, gc_step, &loop, 0);
    limits->removed = loop.removed;
    struct sg_counters* all = bpf_map_lookup_elem(&counters, &zero);
    if (all) all->gc_removed += loop.removed;
    return 0;
}
