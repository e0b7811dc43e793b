/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Finds the server name in the first bytes of a TLS connection. One parser for BPF and for C++.
 *
 * It walks a bounded cursor over the bytes at hand and never copies. Call sg_hello_begin() with all bytes received
 * so far, then sg_hello_extension() until the verdict is no longer SG_HELLO_NEED_MORE_STEPS; when it says
 * SG_HELLO_NEED_MORE, begin again with more bytes. A verdict other than NEED_MORE never changes as bytes are added.
 *
 * The name is reported as soon as it is complete, which may be before the hello is: what follows it cannot change the
 * route. So of two server_name extensions (forbidden by RFC 8446 4.2) the first one routes and the endpoint judges.
 */
#ifndef SLIPGATE_CLIENT_HELLO_H
#define SLIPGATE_CLIENT_HELLO_H

#include <slipgate/portable.h>

#define SG_STASH_BYTES 8192    /* a hello is kept up to this size; a power of two, so that a mask bounds an offset */
#define SG_HELLO_EXTENSIONS 64 /* more extensions than any client sends; bounds the walk */

enum sg_hello_verdict {
    SG_HELLO_NEED_MORE_STEPS = 0, /* internal: call sg_hello_extension() again */
    SG_HELLO_FOUND,
    SG_HELLO_NO_SNI,      /* a complete hello without server_name */
    SG_HELLO_NEED_MORE,   /* a correct beginning of a hello */
    SG_HELLO_NOT_TLS,     /* the first bytes are no TLS handshake record */
    SG_HELLO_MALFORMED,   /* TLS, but lengths or values that no client hello may have */
    SG_HELLO_UNSUPPORTED, /* correct, but a shape left to another path: hello spread over several TLS records */
};

struct sg_hello {
    __u32 at;          /* cursor: offset of the next unread byte */
    __u32 available;   /* bytes at hand */
    __u32 end;         /* offset one past the hello (after begin), then of its extensions: the same place */
    __u32 verdict;     /* enum sg_hello_verdict */
    __u32 name_at;     /* when FOUND: offset of the HostName */
    __u32 name_length; /* when FOUND: 1..255 */
};

/* `data` has SG_STASH_BYTES readable bytes, whatever `available` says: the mask keeps every access inside. */
SG_INLINE __u32 sg_hello_u8(const __u8* data, __u32 at) {
    return data[at & (SG_STASH_BYTES - 1)];
}

SG_INLINE __u32 sg_hello_u16(const __u8* data, __u32 at) {
    return sg_hello_u8(data, at) << 8 | sg_hello_u8(data, at + 1);
}

/* Are the next `count` bytes inside the hello and at hand? If not, sets the verdict and returns 0. */
SG_INLINE int sg_hello_has(struct sg_hello* h, __u32 count) {
    if (h->at + count > h->end) {
        h->verdict = SG_HELLO_MALFORMED;
        return 0;
    }
    if (h->at + count > h->available) {
        h->verdict = SG_HELLO_NEED_MORE;
        return 0;
    }
    return 1;
}

/*
 * TLSPlaintext and Handshake headers (RFC 8446 5.1 and 4):
 *   ContentType type = 22; ProtocolVersion legacy_record_version; uint16 length;
 *   HandshakeType msg_type = 1; uint24 length;
 */
SG_INLINE int sg_hello_headers(struct sg_hello* h, const __u8* data) {
    __u32 n = h->available;
    h->verdict = SG_HELLO_NEED_MORE;
    if (n < 1) return 0;
    h->verdict = SG_HELLO_NOT_TLS;
    if (sg_hello_u8(data, 0) != 22) return 0;
    if (n >= 2 && sg_hello_u8(data, 1) != 3) return 0;
    h->verdict = SG_HELLO_NEED_MORE;
    if (n < 5) return 0;
    __u32 record = sg_hello_u16(data, 3);
    h->verdict = SG_HELLO_MALFORMED;
    if (record == 0 || record > 16384) return 0; /* RFC 8446 5.1: no zero-length handshake fragments, at most 2^14 */
    h->verdict = SG_HELLO_NEED_MORE;
    if (n < 6) return 0;
    h->verdict = SG_HELLO_MALFORMED;
    if (sg_hello_u8(data, 5) != 1) return 0;
    h->verdict = SG_HELLO_UNSUPPORTED;
    if (record < 4) return 0;
    h->verdict = SG_HELLO_NEED_MORE;
    if (n < 9) return 0;
    __u32 length = sg_hello_u8(data, 6) << 16 | sg_hello_u16(data, 7);
    h->verdict = SG_HELLO_UNSUPPORTED;
    if (length + 4 > record) return 0;
    h->at = 9;
    h->end = 9 + length;
    h->verdict = SG_HELLO_NEED_MORE_STEPS;
    return 1;
}

/*
 * ClientHello up to its extensions (RFC 8446 4.1.2):
 *   ProtocolVersion legacy_version; Random random; opaque legacy_session_id<0..32>;
 *   CipherSuite cipher_suites<2..2^16-2>; opaque legacy_compression_methods<1..2^8-1>; Extension extensions<8..2^16-1>;
 */
SG_INLINE void sg_hello_begin(struct sg_hello* h, const __u8* data, __u32 available) {
    h->at = 0;
    h->end = 0;
    h->available = available;
    h->name_at = 0;
    h->name_length = 0;
    if (!sg_hello_headers(h, data)) return;

    if (!sg_hello_has(h, 2 + 32 + 1)) return;
    __u32 session = sg_hello_u8(data, h->at + 34);
    h->at += 35;
    if (session > 32) {
        h->verdict = SG_HELLO_MALFORMED;
        return;
    }
    if (!sg_hello_has(h, session + 2)) return;
    h->at += session;
    __u32 ciphers = sg_hello_u16(data, h->at);
    h->at += 2;
    if (ciphers < 2 || ciphers % 2) {
        h->verdict = SG_HELLO_MALFORMED;
        return;
    }
    if (!sg_hello_has(h, ciphers + 1)) return;
    h->at += ciphers;
    __u32 compressions = sg_hello_u8(data, h->at);
    h->at += 1;
    if (compressions < 1) {
        h->verdict = SG_HELLO_MALFORMED;
        return;
    }
    if (!sg_hello_has(h, compressions)) return;
    h->at += compressions;
    if (h->at == h->end) { /* TLS 1.2 and older may have no extensions at all */
        h->verdict = SG_HELLO_NO_SNI;
        return;
    }
    if (!sg_hello_has(h, 2)) return;
    __u32 extensions = sg_hello_u16(data, h->at);
    h->at += 2;
    if (h->at + extensions != h->end) h->verdict = SG_HELLO_MALFORMED;
}

/*
 * RFC 6066 section 3: struct { NameType name_type = 0; opaque HostName<1..2^16-1>; } ServerName
 * server_name_list<1..2^16-1>. "MUST NOT contain more than one name of the same name_type", and there is only one type:
 * exactly one name.
 */
SG_INLINE void sg_hello_server_name(struct sg_hello* h, const __u8* data, __u32 length) {
    h->verdict = SG_HELLO_MALFORMED;
    if (length < 6) return;
    __u32 list = sg_hello_u16(data, h->at);
    __u32 type = sg_hello_u8(data, h->at + 2);
    __u32 name = sg_hello_u16(data, h->at + 3);
    if (list != length - 2 || type != 0 || name != list - 3 || name > 255) return;
    h->name_at = h->at + 5;
    h->name_length = name;
    h->verdict = SG_HELLO_FOUND;
}

/* Takes the next extension: struct { ExtensionType extension_type; opaque extension_data<0..2^16-1>; } (RFC 8446 4.2).
 */
SG_INLINE void sg_hello_extension(struct sg_hello* h, const __u8* data) {
    if (h->at == h->end) {
        h->verdict = SG_HELLO_NO_SNI;
        return;
    }
    if (!sg_hello_has(h, 4)) return;
    __u32 type = sg_hello_u16(data, h->at);
    __u32 length = sg_hello_u16(data, h->at + 2);
    h->at += 4;
    if (type == 0) {
        if (sg_hello_has(h, length)) sg_hello_server_name(h, data, length);
        return;
    }
    /* Other extensions need not be at hand in full to be stepped over; only the next header must be. */
    if (h->at + length > h->end) {
        h->verdict = SG_HELLO_MALFORMED;
        return;
    }
    h->at += length;
}

/* What the walk says when it ran SG_HELLO_EXTENSIONS steps without an end. */
SG_INLINE void sg_hello_end(struct sg_hello* h) {
    if (h->verdict == SG_HELLO_NEED_MORE_STEPS) h->verdict = SG_HELLO_UNSUPPORTED;
}

#endif
