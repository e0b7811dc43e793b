/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * SipHash-1-3 (Aumasson, Bernstein: "SipHash: a fast short-input PRF") over 64-bit words, as a state one feeds
 * word by word. One compression round and three finalisation rounds: the variant hash tables use.
 */
#ifndef SLIPGATE_SIPHASH_H
#define SLIPGATE_SIPHASH_H

#include <slipgate/portable.h>

struct sg_siphash {
    __u64 v0, v1, v2, v3;
};

SG_INLINE __u64 sg_rotl64(__u64 value, int bits) {
    return (value << bits) | (value >> (64 - bits));
}

SG_INLINE void sg_siphash_round(struct sg_siphash* s) {
    s->v0 += s->v1;
    s->v1 = sg_rotl64(s->v1, 13) ^ s->v0;
    s->v0 = sg_rotl64(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = sg_rotl64(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = sg_rotl64(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = sg_rotl64(s->v1, 17) ^ s->v2;
    s->v2 = sg_rotl64(s->v2, 32);
}

/* `key` is 128 bits of secret, in host order. */
SG_INLINE void sg_siphash_init(struct sg_siphash* s, const __u64 key[2]) {
    s->v0 = key[0] ^ 0x736f6d6570736575ULL;
    s->v1 = key[1] ^ 0x646f72616e646f6dULL;
    s->v2 = key[0] ^ 0x6c7967656e657261ULL;
    s->v3 = key[1] ^ 0x7465646279746573ULL;
}

SG_INLINE void sg_siphash_word(struct sg_siphash* s, __u64 word) {
    s->v3 ^= word;
    sg_siphash_round(s);
    s->v0 ^= word;
}

/* The digest of all words fed so far. Takes a copy, so one may go on feeding the original. */
SG_INLINE __u64 sg_siphash_digest(struct sg_siphash s) {
    s.v2 ^= 0xff;
    sg_siphash_round(&s);
    sg_siphash_round(&s);
    sg_siphash_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

/* Standard SipHash-1-3 of the `count` words as a byte string in host order (count * 8 bytes, count < 32). */
SG_INLINE __u64 sg_siphash_words(const __u64 key[2], const __u64* words, int count) {
    struct sg_siphash s;
    sg_siphash_init(&s, key);
    for (int i = 0; i < count; i++) sg_siphash_word(&s, words[i]);
    sg_siphash_word(&s, (__u64)(count * 8) << 56);
    return sg_siphash_digest(s);
}

#endif
