/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What every program needs: headers in the right order, counters, clocks, checksums. */
#ifndef SLIPGATE_BPF_COMMON_H
#define SLIPGATE_BPF_COMMON_H

#include <stdbool.h>
#include <stddef.h>

#include <linux/bpf.h>
#include <linux/if_ether.h>
#include <linux/in.h>
#include <linux/ip.h>
#include <linux/ipv6.h>
#include <linux/pkt_cls.h>
#include <linux/tcp.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include <slipgate/cookie.h>
#include <slipgate/seq.h>

#include "maps.h"

#ifndef BPF_F_IPV6
#define BPF_F_IPV6 (1ULL << 7) /* bpf_l4_csum_replace: the address change is IPv6's (linux/bpf.h has it from 6.16) */
#endif

#define SG_FIN 0x01
#define SG_SYN 0x02
#define SG_RST 0x04
#define SG_PSH 0x08
#define SG_ACK 0x10

/* The SYN that opens a connection. Together with FIN, RST or ACK it opens none; ECN's flags do not matter. */
static __always_inline bool is_opening_syn(__u32 flags) {
    return (flags & (SG_FIN | SG_SYN | SG_RST | SG_ACK)) == SG_SYN;
}

/* A value the optimiser must not reason about: keeps a bound check next to the access that needs it. */
#define SG_OPAQUE(variable) asm volatile("" : "+r"(variable))

/*
 * `value` held between two constants, for a verifier that has lost the bounds an earlier check gave it: the optimiser
 * likes to compare a copy, and only Linux 6.8 and later carry the result over to the original. In assembler, so that
 * the register that is compared is the one that is used.
 */
#define SG_CLAMP(value, least, most)         \
    ({                                       \
        __u64 clamped = (value);             \
        asm volatile(                        \
            "if %0 >= %1 goto +1\n%0 = %1\n" \
            "if %0 <= %2 goto +1\n%0 = %2"   \
            : "+r"(clamped)                  \
            : "i"(least), "i"(most));        \
        (__u32) clamped;                     \
    })

/* Memory the verifier should know nothing about: every iteration of a loop over it looks alike and is pruned. */
#define SG_MEMORY(field) (*(volatile typeof(field)*)&(field))

static __always_inline void count_at(__u32 offset) {
    __u32 zero = 0;
    struct sg_counters* all = bpf_map_lookup_elem(&counters, &zero);
    if (all) (*(__u64*)((void*)all + offset))++;
}

/* Counts `name` of counters.h. Per CPU, so no atomics. */
#define COUNT(name) count_at(offsetof(struct sg_counters, name))

/* Drops a packet of ours, and says why. */
#define DROP(name)   \
    ({               \
        COUNT(name); \
        TC_ACT_SHOT; \
    })

static __always_inline struct sg_config* get_config(void) {
    __u32 zero = 0;
    return bpf_map_lookup_elem(&config, &zero);
}

static __always_inline struct sg_scratch* get_scratch(void) {
    __u32 zero = 0;
    return bpf_map_lookup_elem(&scratch, &zero);
}

/* Goes on in another program, which finds family and TCP header in scratch. Comes back only if that one is missing. */
static __always_inline void jump(struct __sk_buff* skb, const bool ipv6, __u32 l4, __u32 program) {
    struct sg_scratch* s = get_scratch();
    if (!s) return;
    s->packet.ipv6 = ipv6;
    s->packet.l4 = l4;
    bpf_tail_call(skb, &programs, program);
}

#define JUMP(program)                 \
    ({                                \
        jump(skb, ipv6, l4, program); \
        DROP(internal);               \
    })

static __always_inline __u32 now_seconds(void) {
    return SG_SECONDS(bpf_ktime_get_coarse_ns());
}

static __always_inline __u32 now_milliseconds(void) {
    return SG_MILLISECONDS(bpf_ktime_get_coarse_ns());
}

/* One's complement sums (RFC 1071), folded to 32 and to 16 bits. */
static __always_inline __u32 fold32(__u64 sum) {
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    return (__u32)sum;
}

static __always_inline __u16 fold16(__u64 sum) {
    sum = fold32(sum);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (__u16)sum;
}

/*
 * Tells the checksum at offset `at` that the addresses in its pseudo header changed by `difference`. For
 * CHECKSUM_COMPLETE the kernel must know that no IP checksum offsets an IPv6 address change; old ones cannot be told.
 */
static __always_inline void replace_addresses_sum(struct __sk_buff* skb, const bool ipv6, __u32 at, __u32 difference) {
    if (ipv6 && !bpf_l4_csum_replace(skb, at, 0, difference, BPF_F_PSEUDO_HDR | BPF_F_IPV6)) return;
    bpf_l4_csum_replace(skb, at, 0, difference, BPF_F_PSEUDO_HDR);
}

static __always_inline void tuple_reverse(struct sg_tuple* to, const struct sg_tuple* from) {
    to->source = from->destination;
    to->destination = from->source;
    to->source_port = from->destination_port;
    to->destination_port = from->source_port;
}

static __always_inline bool address_equal(const struct sg_address* a, const struct sg_address* b) {
    return a->word[0] == b->word[0] && a->word[1] == b->word[1] && a->word[2] == b->word[2] && a->word[3] == b->word[3];
}

static __always_inline bool tuple_equal(const struct sg_tuple* a, const struct sg_tuple* b) {
    return address_equal(&a->source, &b->source) && address_equal(&a->destination, &b->destination) &&
           a->source_port == b->source_port && a->destination_port == b->destination_port;
}

/* ::ffff:a.b.c.d (RFC 4291 2.5.5.2) */
static __always_inline void address_from_ipv4(struct sg_address* address, __be32 ipv4) {
    address->word[0] = 0;
    address->word[1] = 0;
    address->word[2] = bpf_htonl(0xffff);
    address->word[3] = ipv4;
}

static __always_inline bool address_is_ipv4(const struct sg_address* address) {
    return address->word[0] == 0 && address->word[1] == 0 && address->word[2] == bpf_htonl(0xffff);
}

/* A tuple as the words that the keyed hashes take. */
static __always_inline void tuple_words(__u64 words[5], const struct sg_tuple* t) {
    words[0] = (__u64)t->source.word[0] << 32 | t->source.word[1];
    words[1] = (__u64)t->source.word[2] << 32 | t->source.word[3];
    words[2] = (__u64)t->destination.word[0] << 32 | t->destination.word[1];
    words[3] = (__u64)t->destination.word[2] << 32 | t->destination.word[3];
    words[4] = (__u64)t->source_port << 16 | t->destination_port;
}

#endif
