# SPDX-License-Identifier: Apache-2.0
"""
Clients, a gateway and backends in network namespaces, each host on a link of its own to the gateway:

    c1 10.1.1.2 --- 10.1.1.1 +----+ 10.2.1.1 --- 10.2.1.2 b1
    c2 10.1.2.2 --- 10.1.2.1 | gw | 10.2.2.1 --- 10.2.2.2 b2     and the same with fd00:1:1::2 and so on
                             +----+ ...

The VIP is an address of no interface: clients reach it by their default route. Through `wires`, every link can lose and
delay packets.
"""

import socket

from .namespace import Namespace, ip
from .wire import Wire

V4, V6 = socket.AF_INET, socket.AF_INET6
FAMILIES = (V4, V6)
FAMILY_NAMES = {V4: "IPv4", V6: "IPv6"}


class Host(Namespace):
    """A client or backend: one interface eth0, everything through the gateway."""

    def __init__(self, name, role, number):
        super().__init__(name)
        self.port = f"to-{name}"  # the gateway's interface towards it
        self.mac, self.gateway_mac = f"02:00:00:0{role}:{number:02x}:02", f"02:00:00:0{role}:{number:02x}:01"
        self.address = {V4: f"10.{role}.{number}.2", V6: f"fd00:{role}:{number}::2"}
        self.gateway_address = {V4: f"10.{role}.{number}.1", V6: f"fd00:{role}:{number}::1"}

    def configure(self, mtu):
        ip("link", "set", "eth0", "address", self.mac, "mtu", mtu, "up", namespace=self.name)
        for family, length in (V4, 24), (V6, 64):
            nodad = ["nodad"] if family == V6 else []
            ip("addr", "add", f"{self.address[family]}/{length}", "dev", "eth0", *nodad, namespace=self.name)
            ip("route", "add", "default", "via", self.gateway_address[family], namespace=self.name)


class Network:
    def __init__(self, clients=2, backends=2, wires=False, mtu=1500):
        self.vip = {V4: "203.0.113.1", V6: "2001:db8:113::1"}
        self.gateway = Namespace("gw")
        for family in "ipv4.ip_forward", "ipv6.conf.all.forwarding":
            self.gateway.sysctl(f"net.{family}", 1)
        self.clients = [Host(f"c{n}", 1, n) for n in range(1, clients + 1)]
        self.backends = [Host(f"b{n}", 2, n) for n in range(1, backends + 1)]
        self._wire_space = Namespace("wires") if wires else None
        if wires:
            self._wire_space.sysctl("net.ipv6.conf.default.disable_ipv6", 1)
        self.wires = {}  # by name of the host
        for host in self.clients + self.backends:
            self._connect(host, mtu)

    def _connect(self, host, mtu):
        if self._wire_space:
            wire = Wire(self._wire_space, host.name)
            ip("link", "add", "eth0", "netns", host.name, "type", "veth", "peer", wire.near, "netns", "wires")
            ip("link", "add", host.port, "netns", "gw", "type", "veth", "peer", wire.far, "netns", "wires")
            self.wires[host.name] = wire
            wire.open(mtu)
        else:
            ip("link", "add", "eth0", "netns", host.name, "type", "veth", "peer", host.port, "netns", "gw")
        ip("link", "set", host.port, "address", host.gateway_mac, "mtu", mtu, "up", namespace="gw")
        host.configure(mtu)
        ip("addr", "add", f"{host.gateway_address[V4]}/24", "dev", host.port, namespace="gw")
        ip("addr", "add", f"{host.gateway_address[V6]}/64", "dev", host.port, "nodad", namespace="gw")

    def wire_like(self):
        """Makes hosts send packets as a real network carries them: no larger than the MTU, with complete checksums."""
        for host in self.clients + self.backends:
            host.offloads("eth0", on=False)

    def close(self):
        for wire in self.wires.values():
            wire.close()
        spaces = [self.gateway, *self.clients, *self.backends] + ([self._wire_space] if self._wire_space else [])
        for space in spaces:
            space.close()
