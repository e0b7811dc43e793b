# SPDX-License-Identifier: Apache-2.0
"""What processes hold, in bytes."""

import glob
import re


def pss(pid):
    """The proportional set size of a process; 0: it is gone."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as rollup:
            return _field("Pss", rollup.read())
    except (FileNotFoundError, ProcessLookupError):
        return 0


def peak_rss(pid):
    """The largest resident set a process has had."""
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return _field("VmHWM", status.read())


def bpf_maps(pid):
    """What the kernel holds for the BPF maps of a process."""
    sizes = {}
    for path in glob.glob(f"/proc/{pid}/fdinfo/*"):
        with open(path, encoding="ascii") as info:
            fields = dict(line.split(":\t", 1) for line in info if ":\t" in line)
        if "map_id" in fields:
            sizes[int(fields["map_id"])] = int(fields["memlock"])
    return sum(sizes.values())


def _field(name, text):
    return int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1]) * 1024
