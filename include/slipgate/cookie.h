/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The SYN cookie: our initial sequence number carries what must be remembered of the client's SYN, so that a SYN
 * leaves no state behind (RFC 4987 3.6). From the top bit down:
 *
 *    8 bits  T = H(tuple, tick)        the segment belongs to a connection we answered lately
 *   16 bits  V = H'(tuple, tick) + the low half of the client's ISN
 *    3 bits  MSS class, 1 bit SACK permitted, 4 bits window scale (15: not offered)
 *
 * A segment without state is judged by the number it acknowledges. T says that the connection is ours; V gives the
 * client's ISN back, modulo 2^16, and with it the segment's place in the stream: a later segment that overtook the
 * first one is kept where it belongs instead of being dropped, which matters because a client that is never
 * acknowledged repeats its first segment only. The first segment is proven by 24 bits, a later one by 11 (T, and a
 * place inside the stash).
 */
#ifndef SLIPGATE_COOKIE_H
#define SLIPGATE_COOKIE_H

#include <slipgate/siphash.h>

#define SG_COOKIE_TICK_SHIFT 36 /* nanoseconds to ticks of 68.7 s; a cookie lives one to two ticks */
#define SG_NO_WINDOW_SCALE 15

struct sg_cookie {
    __u16 mss;         /* bytes: the class' lower bound, never more than the client offered (or 536) */
    __u8 sack;         /* SACK permitted was offered */
    __u8 window_scale; /* 0..14, or SG_NO_WINDOW_SCALE */
};

/* Lower bounds of the MSS classes: IPv6 minimum, tunnels, PPPoE, Ethernet, jumbo frames. */
SG_INLINE __u32 sg_mss_class(__u32 mss) {
    return mss >= 8900   ? 7
           : mss >= 1460 ? 6
           : mss >= 1440 ? 5
           : mss >= 1400 ? 4
           : mss >= 1340 ? 3
           : mss >= 1220 ? 2
           : mss >= 960  ? 1
                         : 0;
}

SG_INLINE __u32 sg_class_mss(__u32 mss_class) {
    return mss_class == 7   ? 8900
           : mss_class == 6 ? 1460
           : mss_class == 5 ? 1440
           : mss_class == 4 ? 1400
           : mss_class == 3 ? 1340
           : mss_class == 2 ? 1220
           : mss_class == 1 ? 960
                            : 536;
}

/* `tuple` is the client's address, our address and both ports as five 64-bit words, any fixed order. */
SG_INLINE __u32 sg_cookie_hash(const __u64 key[2], const __u64 tuple[5], __u64 tick) {
    __u64 words[6] = {tuple[0], tuple[1], tuple[2], tuple[3], tuple[4], tick};
    return (__u32)sg_siphash_words(key, words, 6) & 0xffffff; /* T, then H' */
}

/* Our ISN in answer to a SYN with `client_isn`. */
SG_INLINE __u32 sg_cookie_make(__u32 hash, __u32 client_isn, struct sg_cookie c) {
    __u32 v = (hash + client_isn) & 0xffff;
    return hash >> 16 << 24 | v << 8 | sg_mss_class(c.mss) << 5 | (__u32)(c.sack ? 1 : 0) << 4 | (c.window_scale & 15U);
}

SG_INLINE struct sg_cookie sg_cookie_unpack(__u32 isn) {
    struct sg_cookie c;
    c.mss = (__u16)sg_class_mss(isn >> 5 & 7);
    c.sack = isn >> 4 & 1;
    c.window_scale = isn & 15;
    return c;
}

enum sg_cookie_verdict {
    SG_COOKIE_FOREIGN = 0, /* no connection of ours, or no place of its stream */
    SG_COOKIE_FIRST,       /* the first byte of the stream */
    SG_COOKIE_LATER,       /* a byte further on, inside the stash */
    SG_COOKIE_PROBE,       /* the byte before the first: a keepalive probe (RFC 9293 3.8.4) */
};

/*
 * Judges a segment that starts at `seq` and acknowledges `isn` + 1, at `tick`. The cookie may have been made a tick
 * earlier. Unless FOREIGN, *client_isn is the client's ISN.
 */
SG_INLINE enum sg_cookie_verdict sg_cookie_check(const __u64 key[2], const __u64 tuple[5], __u64 tick, __u32 isn,
                                                 __u32 seq, __u32 stash_bytes, __u32* client_isn) {
    enum sg_cookie_verdict verdict = SG_COOKIE_FOREIGN;
    for (int age = 0; age < 2; age++) {
        __u32 hash = sg_cookie_hash(key, tuple, tick - age);
        if (hash >> 16 != isn >> 24) continue;
        __u32 place = (seq - 1 - ((isn >> 8) - hash)) & 0xffff; /* offset in the stream, modulo 2^16 */
        if (place == 0xffff) {
            *client_isn = seq;
            return SG_COOKIE_PROBE;
        }
        if (place == 0) {
            *client_isn = seq - 1;
            return SG_COOKIE_FIRST;
        }
        /* Eleven bits may agree by chance: a better proof under the other tick takes precedence. */
        if (place >= stash_bytes || verdict == SG_COOKIE_LATER) continue;
        *client_isn = seq - 1 - place;
        verdict = SG_COOKIE_LATER;
    }
    return verdict;
}

#endif
