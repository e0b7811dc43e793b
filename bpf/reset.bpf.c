// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A packet to one of our source ports that belongs to no flow: an endpoint answers a connection that was given up. */
#include "lib/reset.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("tc")
int reset(struct __sk_buff* skb) {
    struct sg_scratch* s = get_scratch();
    if (!s) return DROP(internal);
    bool ipv6 = s->packet.ipv6;
    if (ipv6) return packet_read(skb, s, true) ? DROP(bad_header) : reset_unknown(skb, s, true);
    return packet_read(skb, s, false) ? DROP(bad_header) : reset_unknown(skb, s, false);
}
