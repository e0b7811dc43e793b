/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What the kernel matrix must notice: one program that loads and one that every verifier refuses. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

SEC("tc")
int sound(struct __sk_buff* skb) {
    return skb->len > 100 ? 0 : -1;
}

/* Reads packet memory without comparing with data_end. */
SEC("tc")
int out_of_bounds(struct __sk_buff* skb) {
    const __u8* data = (const __u8*)(long)skb->data;

    return data[40];
}

char _license[] SEC("license") = "Dual BSD/GPL";
