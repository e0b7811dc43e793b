# SPDX-License-Identifier: Apache-2.0
"""What the tests of networks share: a client that reaches a VIP through the gateway, and pods somewhere behind it."""

import hashlib
import random
import threading

from . import manifests
from .clients import connect
from .hello import made
from .lab import Lab
from .nginx import PORT
from .servers import Server, read_exactly
from .slipgated import Slipgated
from .topology import FAMILIES, V4, V6

VIP = {V4: "203.0.113.1", V6: "2001:db8:113::1"}
SIZE = 4 << 20  # bytes each way


class Shape:
    """A client that reaches the VIP through the gateway; lay_out() says how, and where the pods are."""

    flags = ()  # of slipgated
    nodes = {}  # {pod: name of its node}
    dice = random.Random(5)
    gateways = {"gateway": (VIP, None)}  # {name: ({family: address}, source mode)}, each route's parents

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab()
        cls.addClassCleanup(cls.lab.close)
        cls.gateway, cls.client = cls.lab.space("gw", forwarding=True), cls.lab.space("client")
        cls.pods = {}  # name: (Namespace, {family: address})
        cls.lay_out()
        cls.seen = []  # (pod, client) as their addresses
        for space, _ in cls.pods.values():
            cls.addClassCleanup(Server(space, PORT, cls.serve).close)
        cls.agent = Slipgated(cls.gateway, cls.flags)
        cls.write_manifests(cls.agent.folder)
        cls.addClassCleanup(cls.agent.close)
        cls.agent.start()

    @classmethod
    def write_manifests(cls, folder):
        gateways = [manifests.gateway(vips.values(), name=name, source_mode=mode) for name, (vips, mode) in cls.gateways.items()]
        folder.write("gateways", [manifests.gateway_class(), *gateways])
        for name, (_, addresses) in cls.pods.items():
            nodes = dict.fromkeys(addresses.values(), cls.nodes.get(name))
            folder.write(f"backend-{name}", manifests.backend(name, addresses.values(), PORT, nodes))
            folder.write(f"route-{name}", [manifests.tls_route(name, [f"{name}.example.com"], {name: 1}, *cls.gateways)])

    @classmethod
    def serve(cls, connection):
        """Reads a hello, then sends back whatever comes."""
        cls.seen.append(tuple(end[0].removeprefix("::ffff:") for end in (connection.getsockname(), connection.getpeername())))
        while part := connection.recv(1 << 16):
            connection.sendall(part)

    @classmethod
    def client_link(cls):
        """The client on a link of its own to the gateway."""
        cls.lab.link((cls.client, "eth0"), (cls.gateway, "uplink"))
        cls.lab.address(cls.client, "eth0", "10.1.0.2/24", "fd00:1::2/64")
        cls.lab.address(cls.gateway, "uplink", "10.1.0.1/24", "fd00:1::1/64")
        cls.lab.route(cls.client, "default", "::/0", via=["10.1.0.1", "fd00:1::1"])

    @classmethod
    def add_pod(cls, number, subnet):
        """A namespace whose eth0 will have the addresses; the caller links it. Returns it with its CIDRs."""
        space = cls.lab.space(f"pod{number}")
        addresses = {V4: f"10.{subnet}.0.{number}", V6: f"fd00:{subnet}::{number}"}
        cls.pods[f"pod{number}"] = (space, addresses)
        return space, addresses

    @classmethod
    def link_pod(cls, number, link):
        """A pod alone on a link to the gateway; `link` is lab.link or lab.tunnel."""
        space, addresses = cls.add_pod(number, number)
        link((space, "eth0"), (cls.gateway, f"pod{number}"))
        cls.lab.address(space, "eth0", f"{addresses[V4]}/24", f"{addresses[V6]}/64")
        cls.lab.address(cls.gateway, f"pod{number}", f"10.{number}.0.1/24", f"fd00:{number}::1/64")
        cls.lab.route(space, "default", "::/0", via=[f"10.{number}.0.1", f"fd00:{number}::1"])

    def transfer(self, family, name, target=None, client=None, once_open=lambda connection: None):
        """Data of its own there and back, behind a hello; every byte must be the same. `once_open` gets it after the hello."""
        data = self.dice.randbytes(SIZE)
        hello = made(f"{name}.example.com")
        with connect(client or self.client, target or (VIP[family], 443)) as connection:
            connection.sendall(hello)
            self.assertEqual(read_exactly(connection, len(hello)), hello)
            once_open(connection)
            sender = threading.Thread(target=connection.sendall, args=(data,))
            sender.start()
            back = read_exactly(connection, SIZE)
            sender.join()
        self.assertEqual(hashlib.sha256(back).digest(), hashlib.sha256(data).digest())

    def may_see(self, _pod):
        """The addresses that the pod may see as its client's."""
        return {a["local"] for i in self.gateway.json("ip", "-j", "addr") for a in i["addr_info"]}

    def test_large_transfers_to_each_pod(self):
        before = self.agent.counters()
        self.seen.clear()
        for family in FAMILIES:
            for name in self.pods:
                with self.subTest(family=family.name, pod=name):
                    self.transfer(family, name)
        after = self.agent.counters()
        self.assertEqual(after["established"] - before["established"], len(FAMILIES) * len(self.pods))
        for name, (_, addresses) in self.pods.items():
            seen = {client for pod, client in self.seen if pod in addresses.values()}
            self.assertTrue(seen, name)
            self.assertLessEqual(seen, self.may_see(name), name)
