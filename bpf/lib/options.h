/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* TCP options of SYN and SYN-ACK: reading them in any layout, writing ours in the usual one. */
#ifndef SLIPGATE_BPF_OPTIONS_H
#define SLIPGATE_BPF_OPTIONS_H

#include "packet.h"

#define SG_OPTIONS_MAX 40 /* bytes: a TCP header has at most 60 */

enum sg_option_kind {
    SG_OPTION_END = 0,
    SG_OPTION_NOP = 1,
    SG_OPTION_MSS = 2,
    SG_OPTION_WINDOW_SCALE = 3,
    SG_OPTION_SACK_PERMITTED = 4,
    SG_OPTION_SACK = 5,
    SG_OPTION_TIMESTAMPS = 8,
};

static __always_inline __u32 option_u32(const __u8* bytes, __u32 at) {
    return (__u32)bytes[at & 63] << 24 | (__u32)bytes[(at + 1) & 63] << 16 | (__u32)bytes[(at + 2) & 63] << 8 |
           bytes[(at + 3) & 63];
}

static __always_inline void option_take(struct sg_options* o, const __u8* bytes, __u32 at, __u32 kind, __u32 length) {
    if (kind == SG_OPTION_MSS && length == 4) {
        o->mss = (__u32)bytes[(at + 2) & 63] << 8 | bytes[(at + 3) & 63];
    } else if (kind == SG_OPTION_WINDOW_SCALE && length == 3) {
        __u32 scale = bytes[(at + 2) & 63];
        o->window_scale = scale > 14 ? 14 : scale; /* RFC 7323 2.3 */
    } else if (kind == SG_OPTION_SACK_PERMITTED && length == 2) {
        o->sack = 1;
    } else if (kind == SG_OPTION_TIMESTAMPS && length == 10) {
        o->timestamps = 1;
        o->tsval = option_u32(bytes, at + 2);
        o->tsecr = option_u32(bytes, at + 6);
    }
}

/*
 * Steps over one option of s->option_bytes, from s->option_at on. Returns 1 with the option in s->option (not on the
 * stack: the established path is deep already), 0 for a NOP, -1 at the end or at what is no option.
 */
static __always_inline int option_next(struct sg_scratch* s) {
    __u32 at = s->option_at;
    if (at >= s->option_end) return -1;
    __u32 kind = s->option_bytes[at & 63];
    if (kind == SG_OPTION_END) return -1;
    if (kind == SG_OPTION_NOP) {
        s->option_at = at + 1;
        return 0;
    }
    __u32 length = s->option_bytes[(at + 1) & 63];
    if (length < 2 || at + length > s->option_end) return -1;
    s->option_at = at + length;
    s->option.at = at;
    s->option.kind = kind;
    s->option.length = length;
    return 1;
}

static long option_step(__u32 index, struct sg_scratch** context) {
    struct sg_scratch* s = *context;
    int next = option_next(s);
    if (next == 1) option_take(&s->options, s->option_bytes, s->option.at, s->option.kind, s->option.length);
    return next < 0;
}

/* Reads the options of s->packet into s->options. Absent ones get the value of RFC 9293. */
static __always_inline void options_read(struct __sk_buff* skb, struct sg_scratch* s) {
    __u32 length = s->packet.header_length - sizeof(struct tcphdr);
    __builtin_memset(&s->options, 0, sizeof(s->options));
    s->options.mss = 536;
    s->options.window_scale = SG_NO_WINDOW_SCALE;
    if (length < 1 || length > SG_OPTIONS_MAX) return;
    length = SG_CLAMP(length, 1, SG_OPTIONS_MAX);
    if (bpf_skb_load_bytes(skb, s->packet.l4 + sizeof(struct tcphdr), s->option_bytes, length)) return;
    s->option_at = 0;
    s->option_end = length;
    bpf_loop(SG_OPTIONS_MAX, option_step, &s, 0);
}

/* What to write into a SYN or SYN-ACK. */
struct sg_offer {
    __u16 mss;
    __u8 window_scale; /* SG_NO_WINDOW_SCALE: none */
    bool sack, timestamps;
    __u32 tsval, tsecr;
};

/* Writes the offer to `at`, as Linux lays it out. Returns its length, a multiple of 4, at most 20. */
static __always_inline __u32 options_write(__u8* at, const struct sg_offer* offer) {
    __u32 length = 4;
    at[0] = SG_OPTION_MSS;
    at[1] = 4;
    at[2] = offer->mss >> 8;
    at[3] = offer->mss & 0xff;
    at[4] = offer->sack ? SG_OPTION_SACK_PERMITTED : SG_OPTION_NOP;
    at[5] = offer->sack ? 2 : SG_OPTION_NOP;
    if (offer->timestamps) {
        __be32 tsval = bpf_htonl(offer->tsval), tsecr = bpf_htonl(offer->tsecr);
        at[6] = SG_OPTION_TIMESTAMPS;
        at[7] = 10;
        __builtin_memcpy(at + 8, &tsval, 4);
        __builtin_memcpy(at + 12, &tsecr, 4);
        length = 16;
        if (offer->window_scale != SG_NO_WINDOW_SCALE) {
            at[16] = SG_OPTION_NOP;
            at[17] = SG_OPTION_WINDOW_SCALE;
            at[18] = 3;
            at[19] = offer->window_scale;
            length = 20;
        }
        return length;
    }
    at[6] = SG_OPTION_NOP;
    at[7] = SG_OPTION_NOP;
    length = 8;
    if (offer->window_scale != SG_NO_WINDOW_SCALE) {
        at[8] = SG_OPTION_NOP;
        at[9] = SG_OPTION_WINDOW_SCALE;
        at[10] = 3;
        at[11] = offer->window_scale;
        length = 12;
    }
    return length;
}

/* NOP NOP TIMESTAMPS: the layout of every segment after the SYN (RFC 7323 appendix A). Returns 12. */
static __always_inline __u32 options_write_timestamps(__u8* at, __u32 tsval, __u32 tsecr) {
    __be32 words[3] = {bpf_htonl(0x0101080a), bpf_htonl(tsval), bpf_htonl(tsecr)};
    __builtin_memcpy(at, words, sizeof(words));
    return sizeof(words);
}

#endif
