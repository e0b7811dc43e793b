/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef SLIPGATE_PROGRAMS_H
#define SLIPGATE_PROGRAMS_H

/* Tail calls: index into the pinned map `programs`. Each is bpf/<name>.bpf.c. */
enum sg_program {
    SG_PROGRAM_SYN = 0,
    SG_PROGRAM_HELLO,
    SG_PROGRAM_CONNECT,
    SG_PROGRAM_SYN_ACK,
    SG_PROGRAM_ICMP,
    SG_PROGRAM_REFUSE,
    SG_PROGRAM_RESET,
    SG_PROGRAM_HAND_OVER,
    SG_PROGRAM_TOO_BIG,
    SG_PROGRAM_FRAGMENT,
    SG_PROGRAM_SPLICE, /* behind splice_l3 */
    SG_PROGRAM_MAX
};

#endif
