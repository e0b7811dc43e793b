/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The SNI as a lookup key: normalised (ASCII lower case) and hashed with a secret key, label by label from the
 * right, so that the digests of all its suffixes ("com", "example.com", ...) are by-products. A wildcard
 * "*.example.com" is found under the digest of "example.com".
 *
 * The key is drawn once per installation: nobody can craft names that collide.
 *
 * Framing: the bytes of a label are taken right to left and packed, little-endian, seven to a 64-bit word; the top
 * byte of a word is 0x80 where the label goes on and the label's length (1..63) where it ends. Two different names
 * therefore never feed the same words.
 */
#ifndef SLIPGATE_SNI_H
#define SLIPGATE_SNI_H

#include <slipgate/siphash.h>

#define SG_NAME_MAX 255  /* longest name on the wire (RFC 1035 2.3.4) */
#define SG_LABEL_MAX 63  /* longest label (RFC 1035 2.3.4) */
#define SG_DEPTH_MAX 127 /* labels in 255 characters of "a.a.a..." */

enum sg_name_status {
    SG_NAME_OK = 0,
    SG_NAME_INVALID,    /* empty label, label over 63 characters, a byte that is no printable ASCII, "name:port" */
    SG_NAME_IP_LITERAL, /* RFC 6066 section 3: literal addresses are not permitted in HostName */
};

struct sg_name_hash {
    struct sg_siphash state;
    __u64 word;                     /* up to seven bytes of the label at hand */
    __u32 label_length;             /* of the label at hand */
    __u32 depth;                    /* labels closed so far */
    __u32 numeric;                  /* the label at hand has only digits so far */
    __u32 colons;                   /* in the whole name so far */
    __u32 status;                   /* enum sg_name_status */
    __u64 digest[SG_DEPTH_MAX + 1]; /* [d] is the digest of the rightmost d labels */
};

SG_INLINE void sg_name_begin(struct sg_name_hash* h, const __u64 key[2]) {
    sg_siphash_init(&h->state, key);
    h->word = 0;
    h->label_length = 0;
    h->depth = 0;
    h->numeric = 1;
    h->colons = 0;
    h->status = SG_NAME_OK;
}

SG_INLINE void sg_name_close_label(struct sg_name_hash* h) {
    __u32 depth = h->depth + 1;
    if (h->label_length == 0 || h->label_length > SG_LABEL_MAX || depth > SG_DEPTH_MAX) {
        h->status = SG_NAME_INVALID;
        return;
    }
    /* A name whose last label is a number can only be an IPv4 address (or a part of one). */
    if (depth == 1 && h->numeric) h->status = SG_NAME_IP_LITERAL;
    sg_siphash_word(&h->state, h->word | (__u64)h->label_length << 56);
    h->digest[depth & SG_DEPTH_MAX] = sg_siphash_digest(h->state);
    h->depth = depth;
    h->word = 0;
    h->label_length = 0;
    h->numeric = 1;
}

/* Takes the next character, going from the end of the name to its start. Returns 0 to go on, 1 to stop. */
SG_INLINE int sg_name_character(struct sg_name_hash* h, __u8 c) {
    if (c == '.') {
        sg_name_close_label(h);
        return h->status == SG_NAME_INVALID;
    }
    if (c <= ' ' || c >= 0x7f) {
        h->status = SG_NAME_INVALID;
        return 1;
    }
    if (c >= 'A' && c <= 'Z') c |= 0x20;
    if (c < '0' || c > '9') h->numeric = 0;
    if (c == ':' && h->colons++) h->status = SG_NAME_IP_LITERAL; /* every IPv6 literal has two or more */
    if (h->label_length && h->label_length % 7 == 0) {
        sg_siphash_word(&h->state, h->word | (__u64)0x80 << 56);
        h->word = 0;
    }
    h->word |= (__u64)c << (h->label_length % 7 * 8);
    h->label_length++;
    return 0;
}

/* After the first character of the name: closes the leftmost label. digest[depth] is then the whole name's. */
SG_INLINE void sg_name_end(struct sg_name_hash* h) {
    if (h->status != SG_NAME_INVALID) sg_name_close_label(h);
    if (h->status == SG_NAME_OK && h->colons) h->status = SG_NAME_INVALID; /* name:port, as some clients say it */
}

#endif
