# SPDX-License-Identifier: Apache-2.0
"""
What a container runtime makes of a container's securityContext and mounts, without an image: the host's own files stand for it.
The network is that of the caller (hostNetwork). No seccomp or AppArmor profile is loaded; of AppArmor's, one rule is kept, and
without_bpf() is seccomp's that matters.
"""

import shlex
import sys
from pathlib import Path

from .sandbox import WORK

READ_ONLY = "/", WORK, "/sys", "/proc/sys"  # WORK is below / for the test alone; runtimes give the others without being asked


def command(security, argv, mounts=(), environment=None):
    """
    The command line that runs `argv` so. `mounts`: (source, target, is read-only); `environment`: all that the process is given,
    None: what the caller has.
    """
    assert security["readOnlyRootFilesystem"] and not security["allowPrivilegeEscalation"]
    assert security["capabilities"]["drop"] == ["ALL"]
    for _, target, is_read_only in mounts:
        # containerd's and Docker's own profile denies writing below /sys but in cgroups, whatever is mounted there.
        assert is_read_only or not target.startswith("/sys/"), f"AppArmor lets nobody write to {target}"
    steps = ["mount -t tmpfs tmpfs /run", "mount --bind /proc/sys /proc/sys"]
    for source, target, _ in mounts:
        steps += [f"mkdir -p {shlex.quote(target)}", f"mount --bind {shlex.quote(str(source))} {shlex.quote(target)}"]
    steps += [f"mount -o remount,bind,ro {shlex.quote(str(target))}"
              for target in (*READ_ONLY, *(target for _, target, is_read_only in mounts if is_read_only))]
    bounds = ",".join(["-all", *(f"+{capability.lower()}" for capability in security["capabilities"]["add"])])
    given = [] if environment is None else ["env", "-i", *(f"{name}={value}" for name, value in environment.items())]
    return ["unshare", "--mount", "sh", "-c", " && ".join([*steps, 'exec "$@"']), "sh",
            "setpriv", "--no-new-privs", f"--bounding-set={bounds}", *given, *argv]


def without_bpf(argv):
    """The command line that runs `argv` under a seccomp profile of a time when bpf(2) was for CAP_SYS_ADMIN."""
    return [sys.executable, Path(__file__).with_name("seccomp.py"), *argv]
