# SPDX-License-Identifier: Apache-2.0
"""A wire between a host and the gateway that loses and delays packets by chance or by number; see wire.bpf.c."""

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

from .namespace import ip
from .sandbox import BPFFS

PINS = BPFFS / "wire"
TUNSETIFF, IFF_TAP, IFF_NO_PI = 0x400454CA, 0x0002, 0x1000
PORT = struct.Struct("=IIIIQQQQQ")  # struct port


def _load_program():
    if not PINS.exists():
        built = Path(os.environ["SLIPGATE_BUILD"], "tests/harness/wire.bpf.o")
        PINS.mkdir()
        subprocess.run(["bpftool", "prog", "loadall", built, PINS, "type", "classifier", "pinmaps", PINS], check=True)


class _Port:
    """One direction: packets that enter by `interface`."""

    def __init__(self, space, interface, out):
        self._space, self._key = space, _hex(struct.pack("=I", _index(space, interface)))
        self._out = _index(space, out)
        self._tap = _Late(space, f"late-{interface}", out)
        self.configure()
        space.run("tc", "qdisc", "add", "dev", interface, "clsact")
        space.run("tc", "filter", "add", "dev", interface, "ingress", "bpf", "da", "pinned", PINS / "wire")

    def configure(self, loss=0.0, delay=0.0, lose=(), late=()):
        """`loss`, `delay`: probabilities; `lose`, `late`: numbers of TCP packets from now on, the first is 0."""
        value = PORT.pack(self._out, self._tap.index, int(loss * 2**32), int(delay * 2**32), _mask(lose), _mask(late), 0, 0, 0)
        _map("update", "key", "hex", *self._key, "value", "hex", *_hex(value))

    def counts(self):
        """(TCP packets, lost, delayed) since configure()."""
        found = json.loads(_map("lookup", "key", "hex", *self._key))["formatted"]["value"]
        return found["count"], found["lost"], found["delayed"]

    def close(self):
        self._tap.close()


class _Late:
    """A tap whose reader holds each frame for a while, then sends it on by the wire's other port."""

    HOLD = 0.004  # seconds: later than dozens of packets sent after it

    def __init__(self, space, name, out):
        self.name, self._closing = name, False
        with space.entered():
            self._tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
            fcntl.ioctl(self._tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
        ip("link", "set", name, "up", namespace=space.name)
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
                held.append((time.monotonic() + self.HOLD, os.read(self._tap, 1 << 17)))
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

    def open(self):
        _load_program()
        for interface in self.near, self.far:
            ip("link", "set", interface, "up", namespace=self._space.name)
        self.from_host = _Port(self._space, self.near, self.far)
        self.to_host = _Port(self._space, self.far, self.near)

    def configure(self, **options):
        """Both directions; see _Port.configure."""
        self.from_host.configure(**options)
        self.to_host.configure(**options)

    def close(self):
        self.from_host.close()
        self.to_host.close()


def _map(*arguments):
    command, *rest = arguments
    done = subprocess.run(["bpftool", "-j", "map", command, "pinned", PINS / "ports", *rest], check=True, capture_output=True)
    return done.stdout


def _mask(numbers):
    return sum(1 << n for n in numbers)


def _hex(data):
    return [f"{byte:02x}" for byte in data]


def _index(space, name):
    return json.loads(space.run("ip", "-j", "link", "show", name).stdout)[0]["ifindex"]
