# SPDX-License-Identifier: Apache-2.0
"""
Runs a test in mount and PID namespaces of its own. Network namespaces are named by mounts below /run/netns, BPF objects
are pinned on a mounted bpffs, files lie in a mounted tmpfs, and processes have the test as their init: when the test ends,
however it ends, the kernel takes all of it away, and two runs at the same time do not see each other.
"""

import os
import signal
import sys
from pathlib import Path

from . import libc

WORK = Path("/mnt")  # hidden below our own tmpfs
BPFFS = WORK / "bpf"


def enter():
    """Returns in a child process inside the sandbox; the parent waits and exits with the child's status."""
    if os.geteuid() != 0:
        sys.exit("tests of label netns make network namespaces and load BPF programs: run them as root")
    libc.unshare(libc.CLONE_NEWNS | libc.CLONE_NEWPID)
    child = os.fork()
    if child != 0:
        _wait(child)
    libc.die_with_parent(signal.SIGKILL)
    libc.mount(None, "/", None, libc.MS_REC | libc.MS_PRIVATE)
    libc.mount("proc", "/proc", "proc")
    os.makedirs("/run/netns", exist_ok=True)
    libc.mount("netns", "/run/netns", "tmpfs")
    libc.mount("work", WORK, "tmpfs", 0, "size=8g")
    BPFFS.mkdir()
    libc.mount("bpf", BPFFS, "bpf")
    os.environ.update(TMPDIR=str(WORK), PATH="/usr/sbin:/usr/bin:/sbin:/bin", LC_ALL="C.UTF-8")


def _wait(child):
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal sends it to the child as well
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    os._exit(code if code >= 0 else 128 - code)
