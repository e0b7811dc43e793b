/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Records for the access log. If the agent is away and the ring full, the event is lost and counted; traffic goes on.
 */
#ifndef SLIPGATE_BPF_EVENT_H
#define SLIPGATE_BPF_EVENT_H

#include "common.h"

/* The connection ended: `client` is the tuple the client sends with, `endpoint` the one we send to the endpoint with.
 */
static __noinline int report_closed(const struct sg_tuple* client, const struct sg_tuple* endpoint,
                                    const struct sg_flow* up, const struct sg_flow* down, __u16 reason) {
    if (!client || !endpoint || !up) return 0;
    struct sg_event* event = bpf_ringbuf_reserve(&events, sizeof(*event), 0);
    if (!event) {
        COUNT(events_lost);
        return 0;
    }
    __u64 now = bpf_ktime_get_ns();
    event->time = now;
    event->sni = up->sni;
    event->bytes_up = up->bytes;
    event->bytes_down = down ? down->bytes : 0;
    event->duration = SG_SECONDS(now) - up->opened;
    event->route = up->route;
    event->client = *client;
    event->endpoint = *endpoint;
    event->kind = SG_EVENT_CLOSED;
    event->reason = reason;
    event->zero = 0;
    bpf_ringbuf_submit(event, 0);
    return 0;
}

#endif
