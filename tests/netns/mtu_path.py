# SPDX-License-Identifier: Apache-2.0
"""
A way of four links, each with an MTU of its own:

    client --near the client-- r1 --uplink-- gw --downlink-- r2 --near the endpoint-- endpoint

and transfers over it, both directions at the same time.
"""

import contextlib
import functools
import hashlib
import random
import threading
import unittest

from harness import FAMILIES, V4, manifests
from harness.clients import connect
from harness.hello import made
from harness.lab import Lab
from harness.namespace import ip
from harness.nginx import PORT
from harness.servers import Server, read_exactly
from harness.slipgated import Slipgated

HELLO = made("mtu.example.com")
LONG_HELLO = made("mtu.example.com", after=3000)  # two segments or three, unless they are jumbo frames
VIP = {family: address for family, address in zip(FAMILIES, ("203.0.113.1", "2001:db8:113::1"))}
MIB = 1 << 20
# Of each direction; no two parts of a stream of these look alike at the same offset of a segment.
BLOCKS = {"up": random.Random(4).randbytes(MIB + 17), "down": random.Random(5).randbytes(MIB + 29)}
CHUNK = 1 << 16
MTUS = 1280, 1400, 1450, 1500, 9000
SPACES = "client", "r1", "gw", "r2", "endpoint"
LINKS = "near the client", "uplink", "downlink", "near the endpoint"  # link n is between space n and space n + 1


def stream(way, size):
    """The bytes of a transfer, chunk by chunk."""
    block = BLOCKS[way]
    for at in range(0, size, CHUNK):
        start = at % (len(block) - CHUNK)
        yield memoryview(block)[start:start + min(CHUNK, size - at)]


@functools.cache
def digest(way, size):
    total = hashlib.sha256()
    for chunk in stream(way, size):
        total.update(chunk)
    return total.hexdigest()


class Way:
    def __init__(self):
        self.lab, self._mode = Lab(), None
        self.spaces = {name: self.lab.space(name, forwarding=name not in ("client", "endpoint")) for name in SPACES}
        for number, (left, right) in enumerate(zip(SPACES, SPACES[1:])):
            ends = (self.spaces[left], "right"), (self.spaces[right], "left")
            self.lab.link(*ends, mtu=9000)
            for host, (space, interface) in enumerate(ends, 1):
                self.lab.address(space, interface, f"10.{number}.0.{host}/24", f"fd00:{number}::{host}/64")
        self.address = {family: a for family, a in zip(FAMILIES, ("10.3.0.2", "fd00:3::2"))}  # of the endpoint
        self.client_address = {family: a for family, a in zip(FAMILIES, ("10.0.0.1", "fd00::1"))}
        for name, via in ("client", ["10.0.0.2", "fd00::2"]), ("r1", ["10.1.0.2", "fd00:1::2"]), \
                ("r2", ["10.2.0.1", "fd00:2::1"]), ("endpoint", ["10.3.0.1", "fd00:3::1"]):
            self.lab.route(self.spaces[name], "default", "::/0", via=via)
        self.lab.route(self.spaces["gw"], "10.0.0.0/24", "fd00::/64", via=["10.1.0.1", "fd00:1::1"])
        self.lab.route(self.spaces["gw"], "10.3.0.0/24", "fd00:3::/64", via=["10.2.0.2", "fd00:2::2"])
        for space in self.spaces.values():
            space.sysctl("net.ipv4.icmp_ratelimit", 0)  # routers that tell whenever they must
            space.sysctl("net.ipv6.icmp.ratelimit", 0)

    def mtu(self, link, mtu):
        """Of both ends of a link."""
        number = LINKS.index(link)
        for name, interface in (SPACES[number], "right"), (SPACES[number + 1], "left"):
            ip("link", "set", interface, "mtu", mtu, namespace=name)

    @contextlib.contextmanager
    def narrowed(self, router, mtu):
        """r1 sends to the client, or r2 to the endpoint, as if the way were narrower further on."""
        addresses, interface = (self.client_address, "left") if router == "r1" else (self.address, "right")
        routes = [f"{addresses[family]}/{32 if family == V4 else 128}" for family in FAMILIES]
        for route in routes:
            ip("route", "add", route, "dev", interface, "mtu", mtu, namespace=router)
        try:
            yield
        finally:
            for route in routes:
                ip("route", "del", route, namespace=router)

    def offloads(self, mode):
        """`tso`: nothing is cut into packets anywhere; `gro`: the gateway puts received packets together; `none`."""
        if mode == self._mode:
            return
        self._mode = mode
        for name in SPACES:
            for interface in {"client": ["right"], "endpoint": ["left"]}.get(name, ["left", "right"]):
                segmentation = "on" if mode == "tso" else "off"
                gro = "on" if mode == "gro" and name == "gw" else "off"
                self.spaces[name].run("ethtool", "-K", interface, "tso", segmentation, "gso", segmentation, "tx", segmentation,
                                      "gro", gro)

    def forget(self):
        """What the hosts have learned of path MTUs."""
        for name in SPACES:
            for version in "-4", "-6":
                ip(version, "route", "flush", "cache", namespace=name)

    def close(self):
        self.lab.close()


class MtuCase(unittest.TestCase):
    """With `direct`, the client connects to the endpoint itself, through three routers: the control."""

    direct = False
    patience = 60  # seconds without a byte, after which the way counts as a black hole

    @classmethod
    def setUpClass(cls):
        cls.way = Way()
        cls.addClassCleanup(cls.way.close)
        cls.client = cls.way.spaces["client"]
        cls.uploads = {}  # port of the client: (size to read, size to send, digest of what was read)
        cls.server = Server(cls.way.spaces["endpoint"], PORT, cls.serve)
        cls.addClassCleanup(cls.server.close)
        if not cls.direct:
            cls.agent = Slipgated(cls.way.spaces["gw"])
            folder = cls.agent.folder
            folder.write("gateway", [manifests.gateway_class(), manifests.gateway(VIP.values())])
            folder.write("mtu", manifests.backend("mtu", cls.way.address.values(), PORT)
                         + [manifests.tls_route("mtu", ["mtu.example.com"], {"mtu": 1})])
            cls.addClassCleanup(cls.agent.close)
            cls.agent.start()

    @classmethod
    def serve(cls, connection):
        """After a hello and the size of either direction: receives and sends at the same time, then tells the digest."""
        connection.settimeout(cls.patience)
        record = read_exactly(connection, 5)
        record += read_exactly(connection, int.from_bytes(record[3:], "big"))
        assert record in (HELLO, LONG_HELLO)
        size = int.from_bytes(read_exactly(connection, 8), "big")
        sender = threading.Thread(target=lambda: [connection.sendall(chunk) for chunk in stream("down", size)], daemon=True)
        sender.start()
        received = cls.receive(connection, size)
        sender.join()
        connection.sendall(received.encode())

    @staticmethod
    def receive(connection, size):
        total, left = hashlib.sha256(), size
        while left:
            part = connection.recv(min(left, 1 << 18))
            assert part, f"closed {left} bytes too early"
            total.update(part)
            left -= len(part)
        return total.hexdigest()

    def transfer(self, family, size, half_way=lambda: None, hello=HELLO):
        """A hello, then `size` bytes each way at once. `half_way` is called when half of them have been given to the client's TCP."""
        self.way.forget()
        target = (self.way.address[family], PORT) if self.direct else (VIP[family], 443)
        with connect(self.client, target, timeout=self.patience) as connection:
            connection.sendall(hello + size.to_bytes(8, "big"))
            down = []
            receiver = threading.Thread(target=lambda: down.append(self.receive(connection, size)), daemon=True)
            receiver.start()
            sent = 0
            for chunk in stream("up", size):
                if sent <= size // 2 < sent + len(chunk):
                    half_way()
                connection.sendall(chunk)
                sent += len(chunk)
            receiver.join()
            up = read_exactly(connection, 64).decode()
        self.assertEqual(([up], down), ([digest("up", size)], [digest("down", size)]))
