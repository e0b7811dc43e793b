# SPDX-License-Identifier: Apache-2.0
"""Another TC program at the ingress of an interface, in front of those that are there or behind them; see bystander.bpf.c."""

import ctypes
import json
import os
import socket
import struct
import subprocess
from pathlib import Path

from .filters import has_clsact
from .sandbox import BPFFS

TCX_INGRESS, BEFORE, AFTER = 46, 1 << 3, 1 << 4  # linux/bpf.h of 6.6
NEXT, OK = -1, 0  # TC_ACT_UNSPEC: the next program decides


class Bystander:
    def __init__(self, name, verdict=NEXT):
        self._pins = BPFFS / f"bystander-{name}"
        self._pins.mkdir()
        built = Path(os.environ["SLIPGATE_BUILD"], "tests/harness/bystander.bpf.o")
        subprocess.run(["bpftool", "prog", "loadall", built, self._pins, "type", "classifier", "pinmaps", self._pins], check=True)
        self._links = []
        self.decide(verdict)

    def decide(self, verdict):
        value = [f"{byte:02x}" for byte in struct.pack("=QiI", 0, verdict, 0)]
        subprocess.run(["bpftool", "map", "update", "pinned", self._pins / "state", "key", "hex", *["00"] * 4, "value", "hex", *value], check=True)

    def attach_tcx(self, space, interface, place):
        """`place`: BEFORE all programs or AFTER them."""
        library = ctypes.CDLL("libbpf.so.1", use_errno=True)
        options = (ctypes.c_uint32 * 4)(16, 0, place, 0)  # struct bpf_link_create_opts: size, flags
        program = library.bpf_obj_get(os.fsencode(self._pins / "bystander"))
        with space.entered():
            link = library.bpf_link_create(program, socket.if_nametoindex(interface), TCX_INGRESS, options)
        if program < 0 or link < 0:
            raise OSError(ctypes.get_errno(), f"attach to {interface}: {os.strerror(ctypes.get_errno())}")
        os.close(program)
        self._links.append(link)

    def attach_clsact(self, space, interface, priority=50):
        """A filter; among those of one priority the newest comes first. It goes with the interface, or by detach_clsact()."""
        if not has_clsact(space, interface):
            space.run("tc", "qdisc", "add", "dev", interface, "clsact")
        self._filter = ["dev", interface, "ingress", "prio", priority, "protocol", "all", "handle", "0x77", "bpf"]
        space.run("tc", "filter", "add", *self._filter, "da", "pinned", self._pins / "bystander")

    def detach_clsact(self, space):
        space.run("tc", "filter", "del", *self._filter)

    def tcp_packets(self):
        found = json.loads(subprocess.run(["bpftool", "-j", "map", "lookup", "pinned", self._pins / "state", "key", "hex", *["00"] * 4],
                                          check=True, capture_output=True).stdout)
        return found["formatted"]["value"]["tcp_packets"]

    def close(self):
        while self._links:
            os.close(self._links.pop())
