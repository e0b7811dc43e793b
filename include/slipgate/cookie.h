/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The SYN cookie: our initial sequence number carries what must be remembered of the client's SYN, so that a SYN
 * leaves no state behind (RFC 4987 3.6). From the top bit down:
 *
 *    8 bits  T = H(tuple, tick)             proves that the segment belongs to a connection we answered lately
 *   16 bits  V = H(tuple, client ISN, tick) proves, with T, where that connection's stream begins
 *    3 bits  MSS class, 1 bit SACK permitted, 4 bits window scale (15: not offered)
 *
 * A segment without state of which T and V match opens a connection. If only T matches it is a later segment whose
 * first ones are missing: dropped in silence, the client sends again.
 */
#ifndef SLIPGATE_COOKIE_H
#define SLIPGATE_COOKIE_H

#include <slipgate/siphash.h>

#define SG_COOKIE_TICK_SHIFT 36 /* nanoseconds to ticks of 68.7 s; a cookie lives one to two ticks */
#define SG_NO_WINDOW_SCALE 15

struct sg_cookie {
    __u16 mss;              /* bytes: the class' lower bound, never more than the client offered (or 536) */
    __u8 sack;              /* SACK permitted was offered */
    __u8 window_scale;      /* 0..14, or SG_NO_WINDOW_SCALE */
};

/* Lower bounds of the MSS classes: IPv6 minimum, tunnels, PPPoE, Ethernet, jumbo frames. */
SG_INLINE __u32 sg_mss_class(__u32 mss) {
    return mss >= 8900 ? 7 : mss >= 1460 ? 6 : mss >= 1440 ? 5 : mss >= 1400 ? 4 : mss >= 1340 ? 3 : mss >= 1220 ? 2 : mss >= 960 ? 1 : 0;
}

SG_INLINE __u32 sg_class_mss(__u32 mss_class) {
    return mss_class == 7 ? 8900 : mss_class == 6 ? 1460 : mss_class == 5 ? 1440 : mss_class == 4 ? 1400 : mss_class == 3 ? 1340 : mss_class == 2 ? 1220 : mss_class == 1 ? 960 : 536;
}

/* `tuple` is the client's address, our address and both ports as five 64-bit words, any fixed order. */
SG_INLINE __u32 sg_cookie_t(const __u64 key[2], const __u64 tuple[5], __u64 tick) {
    __u64 words[6] = {tuple[0], tuple[1], tuple[2], tuple[3], tuple[4], tick};
    return (__u32)sg_siphash_words(key, words, 6) & 0xff;
}

SG_INLINE __u32 sg_cookie_v(const __u64 key[2], const __u64 tuple[5], __u64 tick, __u32 client_isn) {
    __u64 words[7] = {tuple[0], tuple[1], tuple[2], tuple[3], tuple[4], tick, client_isn};
    return (__u32)sg_siphash_words(key, words, 7) & 0xffff;
}

SG_INLINE __u32 sg_cookie_pack(__u32 t, __u32 v, struct sg_cookie c) {
    return t << 24 | v << 8 | sg_mss_class(c.mss) << 5 | (__u32)(c.sack ? 1 : 0) << 4 | (c.window_scale & 15U);
}

SG_INLINE struct sg_cookie sg_cookie_unpack(__u32 isn) {
    struct sg_cookie c;
    c.mss = (__u16)sg_class_mss(isn >> 5 & 7);
    c.sack = isn >> 4 & 1;
    c.window_scale = isn & 15;
    return c;
}

enum sg_cookie_verdict {
    SG_COOKIE_FOREIGN = 0, /* neither T nor V */
    SG_COOKIE_LATER,       /* T: ours, but not the first byte of the stream */
    SG_COOKIE_FIRST,       /* T and V */
};

/* Judges `isn`, the number a client acknowledges less one, at `tick` (it may have been made a tick earlier). */
SG_INLINE enum sg_cookie_verdict sg_cookie_check(const __u64 key[2], const __u64 tuple[5], __u64 tick, __u32 isn, __u32 client_isn) {
    enum sg_cookie_verdict verdict = SG_COOKIE_FOREIGN;
    for (int age = 0; age < 2; age++) {
        if (sg_cookie_t(key, tuple, tick - age) != isn >> 24) continue;
        if (sg_cookie_v(key, tuple, tick - age, client_isn) == (isn >> 8 & 0xffff)) return SG_COOKIE_FIRST;
        verdict = SG_COOKIE_LATER;
    }
    return verdict;
}

#endif
