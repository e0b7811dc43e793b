// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A packet to one of our source ports that belongs to no flow: an endpoint answers a connection that was given up. */
#include "lib/reset.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

static __always_inline int answer(struct __sk_buff* skb, struct sg_scratch* s, const bool ipv6) {
    if (packet_read(skb, s, ipv6)) return DROP(bad_header);
    if (!packet_intact(skb, s, ipv6)) return DROP(bad_checksum);
    return reset_unknown(skb, s, ipv6);
}

SEC("tc")
int reset(struct __sk_buff* skb) {
    struct sg_scratch* s = get_scratch();
    if (!s) return DROP(internal);
    return s->packet.ipv6 ? answer(skb, s, true) : answer(skb, s, false);
}
