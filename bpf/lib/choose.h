/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a route to a backend by weight, and from a backend to one of its endpoints. */
#ifndef SLIPGATE_BPF_CHOOSE_H
#define SLIPGATE_BPF_CHOOSE_H

#include "common.h"
#include "opening.h"

#include <slipgate/weights.h>

/* A descriptor, read as the one word it is published as. */
static __always_inline union sg_range range_read(void* map, __u32 index) {
    union sg_range range = {.word = 0};
    union sg_range* published = bpf_map_lookup_elem(map, &index);
    if (published) range.word = SG_MEMORY(published->word);
    return range;
}

static __always_inline __u64 random64(void) {
    return (__u64)bpf_get_prandom_u32() << 32 | bpf_get_prandom_u32();
}

/* Index of the backend that takes a random draw, or SG_BACKEND_INVALID: an invalid backendRef's share, or no weight at
 * all. */
static __always_inline __u32 choose_backend(__u32 route) {
    union sg_range range = range_read(&routes, route);
    if (range.part.count == 0 || range.part.count > SG_BACKEND_REFS_MAX) return SG_BACKEND_INVALID;
    __u32 last = range.part.first + range.part.count - 1;
    struct sg_weight* weight = bpf_map_lookup_elem(&weights, &last);
    if (!weight || !weight->running_total) return SG_BACKEND_INVALID;
    __u32 draw = sg_weight_draw(random64(), weight->running_total);
    for (int i = 0; i < SG_BACKEND_REFS_MAX; i++) {
        __u32 index = range.part.first + i;
        if (i >= range.part.count) break;
        weight = bpf_map_lookup_elem(&weights, &index);
        if (weight && sg_weight_takes(weight->running_total, draw)) return weight->backend;
    }
    return SG_BACKEND_INVALID;
}

/* The `position`-th endpoint of a backend's range, copied. Returns false if there is none. */
static __always_inline bool endpoint_read(union sg_range range, __u32 position, struct sg_endpoint* to) {
    __u32 index = range.part.first + position;
    struct sg_endpoint* endpoint = bpf_map_lookup_elem(&endpoints, &index);
    if (!endpoint || position >= range.part.count) return false;
    *to = *endpoint;
    return true;
}

/*
 * Chooses an endpoint of o->backend: any one, or with `other` the one after that at hand, so that attempts come back to
 * none before all were tried. Returns false if there is none.
 */
static __always_inline bool choose_endpoint(struct sg_opening* o, const bool ipv6, bool other) {
    union sg_range range = range_read(&backends, SG_BACKEND_SLOT(o->backend, ipv6));
    __u32 count = range.part.count;
    if (count == 0 || (other && count == 1)) return false;
    __u32 position = other ? (o->endpoint_index + 1) % count : bpf_get_prandom_u32() % count;
    o->endpoint_index = position;
    return endpoint_read(range, position, &o->endpoint);
}

#endif
