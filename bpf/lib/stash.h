/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Keeping the segments of a hello in an opening, in any order, and reading the name from what is contiguous. */
#ifndef SLIPGATE_BPF_STASH_H
#define SLIPGATE_BPF_STASH_H

#include "common.h"
#include "opening.h"

struct stash_copy {
    struct __sk_buff* skb;
    struct sg_opening* opening;
    __u32 from; /* offset in the packet */
    __u32 at;   /* offset in the stream */
    __u32 left;
    int error;
};

static long stash_copy_chunk(__u32 index, struct stash_copy* copy) {
    __u32 length = copy->left > SG_SEGMENT_MAX ? SG_SEGMENT_MAX : copy->left;
    if (copy->left == 0) return 1;
    length = SG_CLAMP(length, 1, SG_SEGMENT_MAX);
    if (bpf_skb_load_bytes(copy->skb, copy->from, &copy->opening->data[copy->at & (SG_STASH_BYTES - 1)], length)) {
        copy->error = 1;
        return 1;
    }
    copy->from += length;
    copy->at += length;
    copy->left -= length;
    return 0;
}

struct stash_join {
    struct sg_opening* opening;
    bool grown;
};

/* One range of those kept apart: does it continue what is contiguous? */
static long stash_join_range(__u32 index, struct stash_join* join) {
    struct sg_opening* o = join->opening;
    __u32 slot = index & (SG_HELLO_SEGMENTS - 1);
    __u32 begin = o->at[slot], end = begin + o->length[slot];
    if (slot < o->segments && begin <= o->contiguous && end > o->contiguous) {
        o->contiguous = end;
        join->grown = true;
    }
    return 0;
}

/*
 * Keeps the payload of s->packet, which begins `offset` bytes into the stream. Returns 1 if it brought bytes that were
 * not at hand, 0 if not, -1 if it could not be read. More than SG_HELLO_SEGMENTS ranges: segments is one above, the
 * caller refuses.
 */
static __always_inline int stash_segment(struct __sk_buff* skb, struct sg_scratch* s, struct sg_opening* o,
                                         __u32 offset) {
    __u32 length = s->packet.length;
    if (length > SG_STASH_BYTES - offset) length = SG_STASH_BYTES - offset;
    __u32 end = offset + length;
    if (end <= o->contiguous) return 0;
    for (int i = 0; i < SG_HELLO_SEGMENTS; i++) {
        if (i < o->segments && o->at[i] <= offset && end <= o->at[i] + o->length[i]) return 0;
    }

    /* Bytes that were judged never change: a route chosen by one name must not carry another. */
    __u32 known = offset < o->contiguous ? o->contiguous - offset : 0;
    struct stash_copy copy = {
        .skb = skb, .opening = o, .from = s->packet.payload + known, .at = offset + known, .left = length - known};
    bpf_loop(SG_STASH_BYTES / SG_SEGMENT_MAX + 1, stash_copy_chunk, &copy, 0);
    if (copy.error) return -1;

    if (o->segments >= SG_HELLO_SEGMENTS) {
        o->segments = SG_HELLO_SEGMENTS + 1;
    } else {
        __u32 slot = o->segments & (SG_HELLO_SEGMENTS - 1);
        o->at[slot] = offset;
        o->length[slot] = length;
        o->segments++;
    }
    /* any order: each pass joins at least one range or nothing more joins */
    struct stash_join join = {.opening = o};
    if (offset <= o->contiguous) o->contiguous = end > o->contiguous ? end : o->contiguous;
    bpf_loop(SG_HELLO_SEGMENTS * SG_HELLO_SEGMENTS, stash_join_range, &join, 0);
    if (o->contiguous > SG_STASH_BYTES) o->contiguous = SG_STASH_BYTES;
    return 1;
}

struct hello_walk {
    struct sg_hello* hello;
    const __u8* data;
};

static long hello_step(__u32 index, struct hello_walk* walk) {
    if (walk->hello->verdict != SG_HELLO_NEED_MORE_STEPS) return 1;
    sg_hello_extension(walk->hello, walk->data);
    return 0;
}

/* Parses the contiguous bytes; the verdict is in s->hello. */
static __always_inline void hello_parse(struct sg_scratch* s, const struct sg_opening* o) {
    struct hello_walk walk = {.hello = &s->hello, .data = o->data};
    sg_hello_begin(&s->hello, o->data, o->contiguous);
    bpf_loop(SG_HELLO_EXTENSIONS + 1, hello_step, &walk, 0);
    sg_hello_end(&s->hello);
}

#endif
