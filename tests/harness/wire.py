# SPDX-License-Identifier: Apache-2.0
"""A wire between a host and the gateway that loses, delays and spoils packets; see wire.bpf.c."""

import collections
import fcntl
import json
import os
import select
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path

from .bpf_map import Map
from .namespace import ip
from .sandbox import BPFFS

PINS = BPFFS / "wire"
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
PORT = struct.Struct("=IIIIIIQQQQQ")  # struct port
LATE, STALE = 0.004, 1.3  # seconds: behind dozens of packets sent after it; behind a retransmission, even of a SYN


def _load_program():
    if not PINS.exists():
        built = Path(os.environ["SLIPGATE_BUILD"], "tests/harness/wire.bpf.o")
        PINS.mkdir()
        subprocess.run(["bpftool", "prog", "loadall", built, PINS, "type", "classifier", "pinmaps", PINS], check=True)


class Port:
    """One direction: packets that enter by `interface`."""

    def __init__(self, space, interface, out, from_host):
        self.index, self._out, self._from_host = _index(space, interface), _index(space, out), from_host
        self._taps = [_Tap(space, f"{name}-{interface}", out, hold) for name, hold in (("late", LATE), ("stale", STALE))]
        self._ports = Map(PINS / "ports")
        self.configure()
        space.run("tc", "qdisc", "add", "dev", interface, "clsact")
        space.run("tc", "filter", "add", "dev", interface, "ingress", "bpf", "da", "pinned", PINS / "wire")

    def configure(self, loss=0.0, delay=0.0, lose=(), late=()):
        """`loss`, `delay`: probabilities; `lose`, `late`: numbers of TCP packets from now on, the first is 0."""
        taps = (tap.index for tap in self._taps)
        self._ports.update(struct.pack("=I", self.index), PORT.pack(
            self._out, *taps, self._from_host, int(loss * 2**32), int(delay * 2**32), _mask(lose), _mask(late), 0, 0, 0))

    def counts(self):
        """(TCP packets, lost, delayed) since configure(), those of connections with a plan not among the last two."""
        return PORT.unpack(self._ports.lookup(struct.pack("=I", self.index), PORT.size))[-3:]

    def close(self):
        for tap in self._taps:
            tap.close()
        self._ports.close()


class _Tap:
    """A tap whose reader holds each frame for `hold` seconds, then sends it on by the wire's other port."""

    def __init__(self, space, name, out, hold):
        self._hold, self._closing = hold, False
        with space.entered():
            self._tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self._tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
        ip("link", "set", name, "mtu", 65521, "up", namespace=space.name)  # a tap's largest
        self.index = _index(space, name)
        self._out = space.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self._out.bind((out, 0))
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        held = collections.deque()
        while not self._closing:
            rest = max(0.0, held[0][0] - time.monotonic()) if held else 0.2
            if select.select([self._tap], [], [], rest)[0]:
                held.append((time.monotonic() + self._hold, os.read(self._tap, 1 << 17)))
            while held and held[0][0] <= time.monotonic():
                self._out.send(held.popleft()[1])

    def close(self):
        self._closing = True
        self._thread.join()
        os.close(self._tap)
        self._out.close()


class Wire:
    def __init__(self, space, host):
        self._space = space
        self.near, self.far = f"{host}-near", f"{host}-far"  # towards the host, towards the gateway

    def open(self, mtu):
        _load_program()
        for interface in self.near, self.far:
            ip("link", "set", interface, "mtu", mtu, "up", namespace=self._space.name)
        self.from_host = Port(self._space, self.near, self.far, True)
        self.to_host = Port(self._space, self.far, self.near, False)

    def configure(self, **options):
        """Both directions; see Port.configure."""
        self.from_host.configure(**options)
        self.to_host.configure(**options)

    def close(self):
        self.from_host.close()
        self.to_host.close()


def _mask(numbers):
    return sum(1 << n for n in numbers)


def _index(space, name):
    return json.loads(space.run("ip", "-j", "link", "show", name).stdout)[0]["ifindex"]
