# SPDX-License-Identifier: Apache-2.0
"""Runs a command to which bpf(2) says EPERM, as under a seccomp profile that does not know of CAP_BPF: seccomp.py COMMAND..."""

import ctypes
import errno
import os
import struct
import sys

PR_SET_SECCOMP, SECCOMP_MODE_FILTER = 22, 2
SECCOMP_RET_ERRNO, SECCOMP_RET_ALLOW = 0x00050000, 0x7FFF0000
LOAD_WORD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06  # classic BPF: LD|W|ABS, JMP|JEQ|K, RET|K
BPF = {"x86_64": 321, "aarch64": 280}[os.uname().machine]  # number of the system call

PROGRAM = b"".join(struct.pack("HBBI", *instruction) for instruction in (
    (LOAD_WORD, 0, 0, 0),  # seccomp_data.nr
    (JUMP_IF_EQUAL, 0, 1, BPF),
    (RETURN, 0, 0, SECCOMP_RET_ERRNO | errno.EPERM),
    (RETURN, 0, 0, SECCOMP_RET_ALLOW)))


def main():
    instructions = ctypes.create_string_buffer(PROGRAM, len(PROGRAM))
    program = ctypes.create_string_buffer(struct.pack("HP", len(PROGRAM) // 8, ctypes.addressof(instructions)))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, program, 0, 0) != 0:
        sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    os.execvp(sys.argv[1], sys.argv[1:])


main()
