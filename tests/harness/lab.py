# SPDX-License-Identifier: Apache-2.0
"""Namespaces, links, bridges and tunnels that a test puts together itself: the shapes of real nodes and networks."""

import fcntl
import os
import select
import struct
import threading

from .namespace import Namespace, ip

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454CA, 0x0001, 0x1000


class Lab:
    def __init__(self):
        self._closing = []  # what is to be closed, the last first

    def space(self, name, forwarding=False, rp_filter=0):
        space = Namespace(name)
        self._closing.append(space)
        space.sysctl("net.ipv4.conf.all.rp_filter", rp_filter)
        space.sysctl("net.ipv4.conf.default.rp_filter", rp_filter)
        space.sysctl("net.ipv6.conf.all.accept_dad", 0)
        space.sysctl("net.ipv6.conf.default.accept_dad", 0)
        if forwarding:
            for family in "ipv4.ip_forward", "ipv6.conf.all.forwarding":
                space.sysctl(f"net.{family}", 1)
        return space

    @staticmethod
    def link(one, other, mtu=1500):
        """A veth pair; `one` and `other` are (Namespace, interface)."""
        (space, name), (peer_space, peer) = one, other
        ip("link", "add", name, "netns", space.name, "mtu", mtu, "type", "veth", "peer", peer, "netns", peer_space.name, "mtu", mtu)
        for space, name in one, other:
            ip("link", "set", name, "up", namespace=space.name)

    @staticmethod
    def bridge(space, name, ports=(), mtu=1500):
        ip("link", "add", name, "mtu", mtu, "type", "bridge", namespace=space.name)
        for port in ports:
            ip("link", "set", port, "master", name, namespace=space.name)
        ip("link", "set", name, "up", namespace=space.name)

    @staticmethod
    def vxlan(space, name, local, remote, mtu=1450):
        ip("link", "add", name, "mtu", mtu, "type", "vxlan", "id", 7, "local", local, "remote", remote, "dstport", 4789, namespace=space.name)
        ip("link", "set", name, "up", namespace=space.name)

    def tunnel(self, one, other, mtu=1500):
        """Two tun devices, packets of either come out of the other. They have no Ethernet header."""
        tunnel = _Tunnel(one, other, mtu)
        self._closing.append(tunnel)

    @staticmethod
    def address(space, interface, *addresses):
        for address in addresses:
            nodad = ["nodad"] if ":" in address else []
            ip("addr", "add", address, "dev", interface, *nodad, namespace=space.name)

    @staticmethod
    def route(space, *destinations, via=None, dev=None):
        """`via`: gateways, of which each destination takes the one of its family; `dev`: the interface."""
        for destination in destinations:
            way = [["via", hop] for hop in via or () if (":" in hop) == (":" in destination)]
            device = ["dev", dev] if dev else []
            ip("route", "add", destination, *(way[0] if way else []), *device, namespace=space.name)

    def close(self):
        while self._closing:
            self._closing.pop().close()


class _Tunnel:
    def __init__(self, one, other, mtu):
        self._ends = [self._open(space, name, mtu) for space, name in (one, other)]
        self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @staticmethod
    def _open(space, name, mtu):
        with space.entered():
            end = os.open("/dev/net/tun", os.O_RDWR)
            fcntl.ioctl(end, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
        ip("link", "set", name, "mtu", mtu, "up", namespace=space.name)
        return end

    def _run(self):
        peer = dict(zip(self._ends, reversed(self._ends)))
        while not self._stopped:
            for end in select.select(self._ends, [], [], 0.2)[0]:
                os.write(peer[end], os.read(end, 1 << 17))

    def close(self):
        self._stopped = True
        self._thread.join()
        for end in self._ends:
            os.close(end)
