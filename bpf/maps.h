/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Every map of the data plane. Each program includes this file; the definitions are weak, so that the linker of
 * `bpftool gen object` makes one map of them. All but the last group are pinned by name in the pin directory and
 * outlive the agent. Sizes marked "load" are set by the agent before it loads.
 */
#ifndef SLIPGATE_BPF_MAPS_H
#define SLIPGATE_BPF_MAPS_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include <slipgate/abi.h>

#include "lib/opening.h"
#include "lib/scratch.h"

#define SG_MAP_ENTRIES(n) __uint(max_entries, n)
#define SG_PINNED __uint(pinning, LIBBPF_PIN_BY_NAME)

/* ---- flows: never LRU, an evicted live flow is a reset connection ---- */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    SG_MAP_ENTRIES(1 << 19); /* load */
    SG_PINNED;
    __type(key, struct sg_flow4_key);
    __type(value, struct sg_flow4);
} flows4 __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    SG_MAP_ENTRIES(1 << 19); /* load */
    SG_PINNED;
    __type(key, struct sg_tuple);
    __type(value, struct sg_flow6);
} flows6 __weak SEC(".maps");

/* ---- tables: VIP and name to route, route to weighted backends, backend to endpoints ---- */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    SG_MAP_ENTRIES(4096);
    SG_PINNED;
    __type(key, struct sg_vip_key);
    __type(value, struct sg_vip);
} vips __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    SG_MAP_ENTRIES(1 << 17);
    SG_PINNED;
    __type(key, struct sg_name_key);
    __type(value, struct sg_name);
} names __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    SG_MAP_ENTRIES(1 << 16);
    SG_PINNED;
    __type(key, __u32);
    __type(value, union sg_range);
} routes __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    SG_MAP_ENTRIES(1 << 18);
    SG_PINNED;
    __type(key, __u32);
    __type(value, struct sg_weight);
} weights __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    SG_MAP_ENTRIES(1 << 17); /* two per backend: SG_BACKEND_SLOT */
    SG_PINNED;
    __type(key, __u32);
    __type(value, union sg_range);
} backends __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    SG_MAP_ENTRIES(1 << 18);
    SG_PINNED;
    __type(key, __u32);
    __type(value, struct sg_endpoint);
} endpoints __weak SEC(".maps");

/* Our addresses towards endpoints: with a port of the configured range, a packet to one of them is ours. */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    SG_MAP_ENTRIES(1024);
    SG_PINNED;
    __type(key, struct sg_address);
    __type(value, __u32); /* 1 */
} sources __weak SEC(".maps");

/* ---- labels, for people and for the agent that adopts the maps ---- */
struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    SG_MAP_ENTRIES(1 << 16);
    SG_PINNED;
    __type(key, __u32); /* index into routes */
    __type(value, struct sg_label);
} route_names __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    SG_MAP_ENTRIES(1 << 16);
    SG_PINNED;
    __type(key, __u32); /* backend index: half of its slots in backends */
    __type(value, struct sg_label);
} backend_names __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_LRU_HASH);
    SG_MAP_ENTRIES(1 << 14);
    SG_PINNED;
    __type(key, __u64); /* digest, sni.h */
    __type(value, struct sg_sni);
} snis __weak SEC(".maps");

/* ---- settings, counters, events ---- */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    SG_MAP_ENTRIES(1);
    SG_PINNED;
    __type(key, __u32);
    __type(value, struct sg_config);
} config __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    SG_MAP_ENTRIES(1);
    SG_PINNED;
    __type(key, __u32);
    __type(value, struct sg_counters);
} counters __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    SG_MAP_ENTRIES(1 << 22);
    SG_PINNED;
} events __weak SEC(".maps");

/* ---- openings: connections between their first hello segment and the endpoint's answer ---- */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    SG_MAP_ENTRIES(SG_OPENING_SETS* SG_OPENING_WAYS);
    SG_PINNED;
    __type(key, __u32);
    __type(value, struct sg_opening);
} openings __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    SG_MAP_ENTRIES(SG_OPENING_SETS);
    SG_PINNED;
    __type(key, __u32);
    __type(value, struct sg_opening_tags);
} opening_tags __weak SEC(".maps");

/* ---- tail calls: enum sg_program. Pinned, because the kernel empties it when its last user-space reference goes ----
 */
struct {
    __uint(type, BPF_MAP_TYPE_PROG_ARRAY);
    SG_MAP_ENTRIES(SG_PROGRAM_MAX);
    SG_PINNED;
    __uint(key_size, 4);
    __uint(value_size, 4);
} programs __weak SEC(".maps");

/* ---- garbage collection: the agent fills the batch, runs the program gc, reads the limits back ---- */
struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    __uint(map_flags, BPF_F_MMAPABLE);
    SG_MAP_ENTRIES(SG_GC_BATCH);
    __type(key, __u32);
    __type(value, struct sg_gc_candidate);
} gc_batch __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_ARRAY);
    SG_MAP_ENTRIES(1);
    __type(key, __u32);
    __type(value, struct sg_gc_limits);
} gc_limits __weak SEC(".maps");

/* ---- working memory of one program run, one per CPU ---- */
struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    SG_MAP_ENTRIES(1);
    __type(key, __u32);
    __type(value, struct sg_scratch);
} scratch __weak SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    SG_MAP_ENTRIES(SG_BUCKET_MAX);
    __type(key, __u32);
    __type(value, struct sg_bucket);
} buckets __weak SEC(".maps");

#endif
