/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What lets one header compile for BPF (C11, clang -target bpf) and for C++20: the kernel's fixed-size types,
 * one spelling of "always inline" and of a static assertion.
 */
#ifndef SLIPGATE_PORTABLE_H
#define SLIPGATE_PORTABLE_H

#include <linux/types.h>

#define SG_INLINE static inline __attribute__((always_inline))

#ifdef __cplusplus
#define SG_STATIC_ASSERT(condition, message) static_assert(condition, message)
#else
#define SG_STATIC_ASSERT(condition, message) _Static_assert(condition, message)
#endif

#endif
