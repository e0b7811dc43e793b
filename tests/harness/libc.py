# SPDX-License-Identifier: Apache-2.0
"""The system calls Python 3.11 has no name for. See unshare(2), setns(2), mount(2), prctl(2)."""

import ctypes
import os

CLONE_NEWNS = 0x00020000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
MS_REC = 0x4000
MS_PRIVATE = 0x40000
PR_SET_PDEATHSIG = 1

_libc = ctypes.CDLL(None, use_errno=True)


def _check(result):
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))


def unshare(flags):
    _check(_libc.unshare(flags))


def setns(fd, kind):
    _check(_libc.setns(fd, kind))


def mount(source, target, filesystem, flags=0, data=""):
    arguments = [a.encode() if a is not None else None for a in (source, str(target), filesystem)]
    _check(_libc.mount(*arguments, ctypes.c_ulong(flags), data.encode()))


def die_with_parent(signal):
    _check(_libc.prctl(PR_SET_PDEATHSIG, signal))
