/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From the server name to a route: the exact name, else the longest wildcard that the VIP has. */
#ifndef SLIPGATE_BPF_LOOKUP_H
#define SLIPGATE_BPF_LOOKUP_H

#include "common.h"
#include "opening.h"

struct name_walk {
    struct sg_name_hash* name;
    char* text; /* the name itself, for the log */
    const __u8* data;
    __u32 at; /* one past the next character, going left */
    __u32 begin;
};

static long name_step(__u32 index, struct name_walk* walk) {
    if (walk->at <= walk->begin) return 1;
    walk->at--;
    __u8 c = walk->data[walk->at & (SG_STASH_BYTES - 1)];
    walk->text[(walk->at - walk->begin) & 255] = c;
    if (walk->name->status != SG_NAME_INVALID) sg_name_character(walk->name, c);
    return 0; /* an invalid name is refused, but logged whole */
}

/* Hashes the name in the stash into s->name, right to left, and copies it to s->sni. A trailing dot is not part of it
 * (RFC 6066 3: sent without; some do). */
static __always_inline void name_hash(struct sg_scratch* s, const struct sg_opening* o, const struct sg_config* c) {
    __u32 end = o->name_at + o->name_length;
    if (o->name_length > 1 && o->data[(end - 1) & (SG_STASH_BYTES - 1)] == '.') end--;
    __builtin_memset(&s->sni, 0, sizeof(s->sni));
    struct name_walk walk = {.name = &s->name, .text = s->sni.text, .data = o->data, .at = end, .begin = o->name_at};
    sg_name_begin(&s->name, c->name_key);
    bpf_loop(SG_NAME_MAX + 1, name_step, &walk, 0);
    sg_name_end(&s->name);
}

static __always_inline __u64 name_digest(const struct sg_scratch* s, __u32 depth) {
    return s->name.digest[depth & SG_DEPTH_MAX];
}

/*
 * Copies the VIP of this key. The map reuses elements when it is updated, so one read in several steps may be of
 * another VIP in the end: a copy counts only if the key still leads to what was copied. Returns false if there is no
 * such VIP.
 */
static __always_inline bool vip_read(const struct sg_vip_key* key, struct sg_vip* to) {
    for (int i = 0; i < 4; i++) { /* each attempt fails only where another update came in between */
        struct sg_vip* vip = bpf_map_lookup_elem(&vips, key);
        if (!vip) return false;
        *to = *vip;
        vip = bpf_map_lookup_elem(&vips, key);
        if (vip && vip->id == to->id && vip->wildcard_depths[0] == to->wildcard_depths[0] &&
            vip->wildcard_depths[1] == to->wildcard_depths[1])
            return true;
    }
    return false;
}

enum name_result { NAME_MISS, NAME_HIT };

/* One probe of the map. The element may be reused for another name under our eyes: route and check are one word. */
static __always_inline enum name_result name_probe(__u32 vip, __u64 hash, __u32 wildcard, __u32* route) {
    struct sg_name_key key = {.hash = hash, .vip = vip, .wildcard = wildcard};
    struct sg_name* entry = bpf_map_lookup_elem(&names, &key);
    if (!entry) return NAME_MISS;
    __u64 word = *(volatile __u64*)entry;
    if ((__u32)(word >> 32) != sg_name_check(&key)) return NAME_MISS;
    *route = (__u32)word;
    return NAME_HIT;
}

struct wildcard_walk {
    const struct sg_scratch* s;
    const struct sg_vip* vip;
    __u32 depth, route;
};

static long wildcard_step(__u32 index, struct wildcard_walk* walk) {
    __u32 depth = walk->depth;
    if (depth == 0) return 1;
    walk->depth = depth - 1;
    if (!(walk->vip->wildcard_depths[depth >> 6 & 1] >> (depth & 63) & 1)) return 0;
    return name_probe(walk->vip->id, name_digest(walk->s, depth), 1, &walk->route) == NAME_HIT;
}

/* Index of the route for the name in s->name at this VIP, or SG_ROUTE_NONE. */
static __always_inline __u32 route_lookup(const struct sg_scratch* s, const struct sg_vip* vip) {
    __u32 route = SG_ROUTE_NONE, depth = s->name.depth;
    if (name_probe(vip->id, name_digest(s, depth), 0, &route) == NAME_HIT) return route;
    /* "*." stands for one or more labels: at least one must be left of the wildcard's */
    struct wildcard_walk walk = {.s = s, .vip = vip, .depth = depth - 1, .route = SG_ROUTE_NONE};
    bpf_loop(SG_DEPTH_MAX, wildcard_step, &walk, 0);
    return walk.route;
}

#endif
