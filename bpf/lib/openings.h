/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finding, claiming and placing openings (opening.h). A claimed opening belongs to one CPU until released; the second
 * CPU that meets it drops its packet. A claim is stolen after SG_CLAIM_STALE: a program cannot sleep, so its owner is
 * gone.
 */
#ifndef SLIPGATE_BPF_OPENINGS_H
#define SLIPGATE_BPF_OPENINGS_H

#include "common.h"
#include "opening.h"

#define SG_CLAIM_STALE 100     /* SG_MILLISECONDS units */
#define SG_OPENING_STALE 10000 /* SG_MILLISECONDS units without a segment: the client has given up */
#define SG_OPENING_NONE 0xffffffffU

static __always_inline struct sg_opening* opening_at(__u32 index) {
    return bpf_map_lookup_elem(&openings, &index);
}

/* Where the opening of a tuple is, if it is. */
struct opening_home {
    __u32 set;
    __u32 tag; /* of its opening in the set; never 0 */
};

static __always_inline struct opening_home opening_home(const struct sg_config* c, const struct sg_tuple* client) {
    __u64 words[5];
    tuple_words(words, client);
    __u64 hash = sg_siphash_words(c->cookie_key, words, 5);
    struct opening_home home = {.set = (__u32)hash & (SG_OPENING_SETS - 1), .tag = (__u32)(hash >> 32) | 1};
    return home;
}

/* For the opening at `index` that begins: from here on it is found. */
static __always_inline void opening_set_tag(const struct opening_home* home, __u32 index) {
    struct sg_opening_tags* tags = bpf_map_lookup_elem(&opening_tags, &home->set);
    if (tags) tags->tag[index & (SG_OPENING_WAYS - 1)] = home->tag;
}

static __always_inline bool opening_claim(struct sg_opening* o, __u32 now) {
    __u32 mine = now | 1, owner = __sync_val_compare_and_swap(&o->lock, 0, mine);
    if (owner == 0) return true;
    return now - owner > SG_CLAIM_STALE && (__s32)(now - owner) > 0 &&
           __sync_val_compare_and_swap(&o->lock, owner, mine) == owner;
}

/* An exchange rather than a store: everything written before is visible to the next owner. */
static __always_inline void opening_release(struct sg_opening* o) {
    __sync_lock_test_and_set(&o->lock, 0);
}

struct opening_search {
    const struct sg_tuple* client;
    const struct sg_opening_tags* tags;
    __u32 first, tag, found; /* first: index of the set's first way */
    __u32 best, best_rank, now;
};

static long opening_find_way(__u32 way, struct opening_search* search) {
    if (SG_MEMORY(search->tags->tag[way & (SG_OPENING_WAYS - 1)]) != search->tag) return 0;
    struct sg_opening* o = opening_at(search->first + way);
    if (!o || o->state == SG_OPENING_FREE || !tuple_equal(&o->client, search->client)) return 0;
    search->found = search->first + way;
    return 1;
}

/* Index of the opening of this client tuple, or SG_OPENING_NONE. Compare again once it is claimed. */
static __always_inline __u32 opening_find(const struct opening_home* home, const struct sg_tuple* client) {
    struct opening_search search = {.client = client,
                                    .tags = bpf_map_lookup_elem(&opening_tags, &home->set),
                                    .first = home->set * SG_OPENING_WAYS,
                                    .tag = home->tag,
                                    .found = SG_OPENING_NONE};
    if (search.tags) bpf_loop(SG_OPENING_WAYS, opening_find_way, &search, 0);
    return search.found;
}

/* How readily an opening gives its place up: 0 not at all; else the higher the sooner. */
static __always_inline __u32 opening_rank(const struct sg_opening* o, __u32 now) {
    __u32 age = now - o->touched;
    if (age > 0x3fffffff) age = 0;
    if (o->state == SG_OPENING_FREE) return 0xffffffff;
    if (o->state == SG_OPENING_DONE) return 0x80000000 + age;
    return age > SG_OPENING_STALE ? age : 0;
}

static long opening_rank_way(__u32 way, struct opening_search* search) {
    struct sg_opening* o = opening_at(search->first + way);
    if (!o || o->lock) return 0;
    __u32 rank = opening_rank(o, search->now);
    if (rank > search->best_rank) {
        search->best_rank = rank;
        search->best = search->first + way;
    }
    return 0;
}

/* Index of a place for a new opening of this tuple, or SG_OPENING_NONE if all are in use. */
static __always_inline __u32 opening_place(const struct opening_home* home, __u32 now) {
    struct opening_search search = {.first = home->set * SG_OPENING_WAYS, .best = SG_OPENING_NONE, .now = now};
    bpf_loop(SG_OPENING_WAYS, opening_rank_way, &search, 0);
    return search.best;
}

#endif
