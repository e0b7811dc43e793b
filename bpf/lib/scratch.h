/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Working memory of one program run. The stack of a BPF program has 512 bytes; what is larger, or must survive a tail
 * call, lives here, one copy per CPU. A program run is not interrupted by another one on the same CPU's scratch: TC
 * programs of one CPU run one after the other.
 */
#ifndef SLIPGATE_BPF_SCRATCH_H
#define SLIPGATE_BPF_SCRATCH_H

#include <linux/bpf.h>

#include <slipgate/abi.h>
#include <slipgate/client_hello.h>
#include <slipgate/programs.h>

/* A received TCP packet, parsed. Integers in host order unless __be. */
struct sg_packet {
    struct sg_tuple tuple;
    __u32 ipv6;
    __u32 l4;            /* offset of the TCP header in the frame */
    __u32 header_length; /* of TCP, options included */
    __u32 payload;       /* offset */
    __u32 length;        /* of the payload */
    __u32 seq, ack;
    __u32 flags;   /* byte 13 of the TCP header */
    __u32 window;  /* unscaled field */
    __u32 partial; /* CHECKSUM_PARTIAL: the kernel or the NIC completes the TCP checksum */
    __u8 destination_mac[6], source_mac[6];
};

/* One TCP option: where it begins in option_bytes, its kind and its length. */
struct sg_option {
    __u32 at, kind, length;
};

/* TCP options of a SYN or SYN-ACK. */
struct sg_options {
    __u32 mss;          /* 536 if absent */
    __u32 window_scale; /* SG_NO_WINDOW_SCALE if absent */
    __u32 sack;
    __u32 timestamps;
    __u32 tsval, tsecr;
};

/* What the program connect is asked to do. */
enum sg_connect_mode {
    SG_CONNECT_NEW = 0, /* choose route, backend and endpoint by the name */
    SG_CONNECT_AGAIN,   /* repeat the SYN to the endpoint at hand */
    SG_CONNECT_OTHER,   /* try another endpoint of the same backend */
};

#define SG_CHUNK 512 /* bpf_csum_diff() takes no more before Linux 6.13 */
/* The hello on its way to the endpoint. Kept in memory: see SG_MEMORY. */
struct sg_hand_over {
    __u32 at, total, size; /* bytes: sent, to send, largest segment */
    __u32 seq, ack;        /* of the first byte; acknowledged */
    __u32 option_length;
    __u32 window; /* field of the TCP header */
    __u32 ifindex;
    __u32 complete;
};

/*
 * How much of a packet an ICMP error about it quotes: as much as the error may be long, 576 bytes (RFC 1812 4.3.2.3)
 * and the IPv6 minimum MTU (RFC 4443 2.4 c), less the headers in front.
 */
#define SG_QUOTE_IPV4 (576 - 28)
#define SG_QUOTE_IPV6 (1280 - 48)

#define SG_HEADERS_MAX 128 /* Ethernet + IPv6 + TCP with options, and room */

struct sg_scratch {
    struct sg_packet packet;
    struct sg_options options;
    struct sg_hand_over hand_over;
    struct sg_option option;     /* the one at hand */
    __u32 option_at, option_end; /* loop state kept in memory, so that the verifier sees iterations alike */
    __u32 opening;               /* index of the opening at hand */
    __u32 reason;                /* of a refusal, enum sg_counter */
    __u32 connect_mode;          /* enum sg_connect_mode */
    __u32 mtu;                   /* of the way out of a packet that exceeds it */
    __u8 option_bytes[64];
    __u8 headers[SG_HEADERS_MAX]; /* of the packet being built */
    struct sg_hello hello;
    struct sg_name_hash name;
    struct sg_vip vip;         /* of the connection being opened */
    struct sg_flow entry;      /* a flow entry being put together */
    struct bpf_fib_lookup fib; /* a question to the kernel's routing */
    struct sg_tuple tuples[4]; /* keys and results on the way */
    struct sg_flow4 flow4;
    struct sg_flow6 flow6;
    __u8 chunk[SG_CHUNK + 4]; /* of a received segment while its checksum is verified */
    __u8 quote[SG_QUOTE_IPV6];
    struct sg_sni sni;
};

/* Token buckets for what we originate, lib/limit.h. */
enum sg_bucket_kind { SG_BUCKET_RST = 0, SG_BUCKET_ICMP, SG_BUCKET_MAX };

struct sg_bucket {
    __u64 refilled; /* nanoseconds */
    __u64 tokens;
};

#endif
