/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A wire with faults: what arrives at one port leaves by the other. Attached at the ingress of both ports in a
 * namespace between two hosts, where a loss is the network's (a drop at the sender's egress would be reported to it).
 * Two ways to say what goes wrong: for a port, by chance or by number of the packet; for one connection, by position of
 * its packet. A packet that is held back goes to a tap, whose reader writes it back after a while; netem would do,
 * where it is built.
 */
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

struct port {
    __u32 out;       /* interface the packet leaves by */
    __u32 late;      /* interface of the tap that holds packets for some milliseconds */
    __u32 stale;     /* of the one that holds them longer than a retransmission timeout; 0: none */
    __u32 from_host; /* 1: packets that enter here were sent by the host at the wire's end, 0: they go to it */
    __u32 loss;      /* probability * 2^32 */
    __u32 delay;     /* probability * 2^32 */
    __u64 lose_mask; /* bit n: lose TCP packet number n, counted from the last configuration */
    __u64 delay_mask;
    __u64 count; /* TCP packets */
    __u64 lost, delayed;
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 64);
    __type(key, __u32); /* ifindex of ingress */
    __type(value, struct port);
} ports SEC(".maps");

#define POSITIONS 64

enum fault_kind {
    FAULT_NONE = 0,
    FAULT_LOSE,
    FAULT_DUPLICATE,
    FAULT_LATE,  /* overtaken by what is sent in the next milliseconds */
    FAULT_STALE, /* arrives after it was sent again */
    FAULT_AGAIN, /* arrives, and a copy of it when it is stale */
    FAULT_FLIP,  /* one bit of the TCP header or the first of the packet's last byte; the checksum stays as it was */
};

struct fault {
    __u8 kind; /* enum fault_kind */
    __u8 zero;
    __u16 bit; /* to flip: 0 is the first of the TCP header; or LAST_BYTE */
};

#define LAST_BYTE 0xfff8

/* One direction of one connection: the host's port says which. */
struct plan_key {
    __u32 ingress;
    __u16 port; /* of the host at the wire's end, host order */
    __u16 ipv6;
};

struct plan {
    struct fault fault[POSITIONS]; /* by position of the packet in its direction */
    struct fault fin;              /* of the first FIN */
    __u32 count;                   /* packets */
    __u32 fins;
    __u32 done; /* faults that took place */
};

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, 32768);
    __type(key, struct plan_key);
    __type(value, struct plan);
} plans SEC(".maps");

struct tcp_packet {
    struct tcphdr tcp;
    __u32 l4;
    __u32 ipv6;
};

static int read_tcp(struct __sk_buff* skb, struct tcp_packet* packet) {
    __u8 protocol = 0, first = 0;
    packet->ipv6 = skb->protocol == bpf_htons(ETH_P_IPV6);
    if (packet->ipv6) {
        packet->l4 = ETH_HLEN + sizeof(struct ipv6hdr);
        bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct ipv6hdr, nexthdr), &protocol, 1);
    } else if (skb->protocol == bpf_htons(ETH_P_IP)) {
        bpf_skb_load_bytes(skb, ETH_HLEN, &first, 1);
        packet->l4 = ETH_HLEN + (first & 15) * 4;
        bpf_skb_load_bytes(skb, ETH_HLEN + offsetof(struct iphdr, protocol), &protocol, 1);
    }
    return protocol == IPPROTO_TCP && !bpf_skb_load_bytes(skb, packet->l4, &packet->tcp, sizeof(packet->tcp));
}

static void flip(struct __sk_buff* skb, const struct tcp_packet* packet, __u32 bit) {
    __u32 at = bit == LAST_BYTE ? skb->len - 1 : packet->l4 + bit / 8;
    __u8 byte = 0;
    if (bpf_skb_load_bytes(skb, at, &byte, 1)) return;
    byte ^= 0x80 >> (bit % 8);
    bpf_skb_store_bytes(skb, at, &byte, 1, 0);
}

static int suffer(struct __sk_buff* skb, const struct port* port, const struct tcp_packet* packet,
                  const struct fault* fault) {
    switch (fault->kind) {
        case FAULT_LOSE:
            return TC_ACT_SHOT;
        case FAULT_DUPLICATE:
            bpf_clone_redirect(skb, port->out, 0);
            break;
        case FAULT_LATE:
            return bpf_redirect(port->late, 0);
        case FAULT_STALE:
            return bpf_redirect(port->stale, 0);
        case FAULT_AGAIN:
            bpf_clone_redirect(skb, port->stale, 0);
            break;
        case FAULT_FLIP:
            flip(skb, packet, fault->bit);
            break;
    }
    return bpf_redirect(port->out, 0);
}

/* What happens to the packet at this position. A copy, so that nobody changes it meanwhile. */
static struct fault next_fault(struct plan* plan, const struct tcp_packet* packet) {
    struct fault fault = {};
    __u32 position = __sync_fetch_and_add(&plan->count, 1);
    if (position < POSITIONS) fault = plan->fault[position];
    if (packet->tcp.fin && __sync_fetch_and_add(&plan->fins, 1) == 0 && plan->fin.kind) fault = plan->fin;
    if (fault.kind) __sync_fetch_and_add(&plan->done, 1);
    return fault;
}

static int chosen(__u32 probability, __u64 mask, __u64 number) {
    return bpf_get_prandom_u32() < probability || (number < 64 && (mask >> number & 1));
}

SEC("tc")
int wire(struct __sk_buff* skb) {
    struct tcp_packet packet = {};
    __u32 ingress = skb->ifindex;
    struct port* port = bpf_map_lookup_elem(&ports, &ingress);
    if (!port) return TC_ACT_SHOT;
    if (!read_tcp(skb, &packet)) return bpf_redirect(port->out, 0);

    __u64 number = __sync_fetch_and_add(&port->count, 1);
    struct plan_key key = {.ingress = ingress, .ipv6 = packet.ipv6};
    key.port = bpf_ntohs(port->from_host ? packet.tcp.source : packet.tcp.dest);
    struct plan* plan = bpf_map_lookup_elem(&plans, &key);
    if (plan) {
        struct fault fault = next_fault(plan, &packet);
        return suffer(skb, port, &packet, &fault);
    }
    if (chosen(port->loss, port->lose_mask, number)) {
        __sync_fetch_and_add(&port->lost, 1);
        return TC_ACT_SHOT;
    }
    if (chosen(port->delay, port->delay_mask, number)) {
        __sync_fetch_and_add(&port->delayed, 1);
        return bpf_redirect(port->late, 0);
    }
    return bpf_redirect(port->out, 0);
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
