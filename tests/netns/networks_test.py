# SPDX-License-Identifier: Apache-2.0
"""
The shapes of real networks: where the endpoints are, and how clients come. docs/networks.md says for whom; each of its
lines rests on a class here or in bystanders_test.py.
"""

import socket
import unittest

from harness import FAMILIES, V4, V6, Counting, eventually, main
from harness.clients import connect
from harness.namespace import ip
from harness.nginx import PORT
from harness.servers import read_exactly
from harness.shape import SIZE, VIP, Shape
from stations import swapped


class PodsBehindABridge(Shape, unittest.TestCase):
    """A bridge CNI: cni0 with the pods' veths as its ports."""

    @classmethod
    def lay_out(cls):
        cls.client_link()
        ports = []
        for number in 2, 3:
            space, addresses = cls.add_pod(number, 2)
            cls.lab.link((space, "eth0"), (cls.gateway, f"veth{number}"))
            cls.lab.address(space, "eth0", f"{addresses[V4]}/24", f"{addresses[V6]}/64")
            cls.lab.route(space, "default", "::/0", via=["10.2.0.1", "fd00:2::1"])
            ports.append(f"veth{number}")
        cls.lab.bridge(cls.gateway, "cni0", ports)
        cls.lab.address(cls.gateway, "cni0", "10.2.0.1/24", "fd00:2::1/64")


class PodsBehindRoutedVeths(Shape, unittest.TestCase):
    """Calico, Cilium: each pod on a veth of its own, a route per address, a link-local next hop that answers ARP by proxy."""

    @classmethod
    def lay_out(cls):
        cls.client_link()
        cls.lab.route(cls.gateway, "default", via=["10.1.0.2"])  # it answers ARP for what it has a route to elsewhere
        for number in 2, 3:
            space, addresses = cls.add_pod(number, 3)
            port = f"cali{number}"
            cls.lab.link((space, "eth0"), (cls.gateway, port))
            cls.lab.address(space, "eth0", f"{addresses[V4]}/32", f"{addresses[V6]}/128")
            cls.lab.route(space, "169.254.1.1", dev="eth0")
            cls.gateway.sysctl(f"net.ipv4.conf.{port}.proxy_arp", 1)
            cls.lab.address(cls.gateway, port, "fe80::1/64")
            cls.lab.route(space, "0.0.0.0/0", "::/0", via=["169.254.1.1", "fe80::1"], dev="eth0")
            cls.lab.route(cls.gateway, *(a for a in addresses.values()), dev=port)


class OtherNode(Shape):
    """A pod on another node, behind a bridge there; the nodes are joined by a link, or by what `underlay()` puts on it."""

    hops = ["10.9.0.1", "fd00:9::1"], ["10.9.0.2", "fd00:9::2"]  # to the gateway, and to the other node
    mtu = 1500

    @classmethod
    def underlay(cls):
        pass

    @classmethod
    def lay_out(cls):
        cls.client_link()
        cls.node = cls.lab.space("node2", forwarding=True, rp_filter=1)
        cls.lab.link((cls.gateway, "u0"), (cls.node, "u0"))
        cls.lab.address(cls.gateway, "u0", "10.9.0.1/24", "fd00:9::1/64")
        cls.lab.address(cls.node, "u0", "10.9.0.2/24", "fd00:9::2/64")
        cls.underlay()
        cls.pod_there(4)

    @classmethod
    def pod_there(cls, number):
        """A pod of the other node, with a bridge and a subnet of its own."""
        space, addresses = cls.add_pod(number, number)
        router = [f"10.{number}.0.1", f"fd00:{number}::1"]
        cls.lab.link((space, "eth0"), (cls.node, f"veth{number}"), cls.mtu)
        cls.lab.bridge(cls.node, f"cni{number}", [f"veth{number}"], cls.mtu)
        cls.lab.address(cls.node, f"cni{number}", f"{router[0]}/24", f"{router[1]}/64")
        cls.lab.address(space, "eth0", f"{addresses[V4]}/24", f"{addresses[V6]}/64")
        cls.lab.route(space, "default", "::/0", via=router)
        cls.lab.route(cls.gateway, f"10.{number}.0.0/24", f"fd00:{number}::/64", via=cls.hops[1])


class OtherNodeByPlainRouting(OtherNode, unittest.TestCase):
    pass


class OtherNodeByVxlan(OtherNode, unittest.TestCase):
    """Flannel and its like: MTU 1450, and a strict rp_filter at the other end."""

    hops = ["10.244.0.1", "fd00:244::1"], ["10.244.0.2", "fd00:244::2"]
    mtu = 1450

    @classmethod
    def underlay(cls):
        for space, own, other in (cls.gateway, 1, 2), (cls.node, 2, 1):
            cls.lab.vxlan(space, "vx0", f"10.9.0.{own}", f"10.9.0.{other}")
            cls.lab.address(space, "vx0", f"10.244.0.{own}/24", f"fd00:244::{own}/64")


class ClientBehindARouter(Shape, unittest.TestCase):
    """The client is a hop away; the pod is on a plain link."""

    @classmethod
    def lay_out(cls):
        cls.router = cls.lab.space("router", forwarding=True)
        cls.lab.link((cls.client, "eth0"), (cls.router, "lan"))
        cls.lab.address(cls.client, "eth0", "10.1.0.2/24", "fd00:1::2/64")
        cls.lab.address(cls.router, "lan", "10.1.0.1/24", "fd00:1::1/64")
        cls.lab.route(cls.client, "default", "::/0", via=["10.1.0.1", "fd00:1::1"])
        cls.uplinks()
        cls.link_pod(5, cls.lab.link)

    @classmethod
    def uplink(cls, number):
        """A link between router (.1) and gateway (.2)."""
        name, net4, net6 = f"up{number}", f"10.8.{number}", f"fd00:8:{number}:"
        cls.lab.link((cls.router, name), (cls.gateway, name))
        cls.lab.address(cls.router, name, f"{net4}.1/24", f"{net6}:1/64")
        cls.lab.address(cls.gateway, name, f"{net4}.2/24", f"{net6}:2/64")
        return [f"{net4}.1", f"{net6}:1"], [f"{net4}.2", f"{net6}:2"]

    @classmethod
    def uplinks(cls):
        routers, gateways = cls.uplink(1)
        cls.lab.route(cls.router, *VIP.values(), via=gateways)
        cls.lab.route(cls.gateway, "10.1.0.0/24", "fd00:1::/64", via=routers)


class AsymmetricUplinks(ClientBehindARouter):
    """Two uplinks: the client's packets come by one, the gateway's route to the client leaves by the other."""

    SYN_ACKS = """
        table inet answers {
            counter up1 {}
            counter up2 {}
            chain in {
                type filter hook prerouting priority 0;
                tcp flags & (syn | ack) == (syn | ack) counter name meta iifname map { "up1" : "up1", "up2" : "up2" }
            }
        }"""

    @classmethod
    def uplinks(cls):
        _, in_by = cls.uplink(1)
        out_by, _ = cls.uplink(2)
        cls.lab.route(cls.router, *VIP.values(), via=in_by)
        cls.lab.route(cls.gateway, "10.1.0.0/24", "fd00:1::/64", via=out_by)

    def test_the_stream_takes_both_ways(self):
        for family in FAMILIES:
            with self.subTest(family=family.name):
                before = self.bytes()
                self.transfer(family, "pod5")
                after = self.bytes()
                grown = {name: after[name] - before[name] for name in after}
                self.assertGreater(grown["up1", "rx"], SIZE)
                self.assertGreater(grown["up2", "tx"], SIZE)
                self.assertLess(grown["up1", "tx"], SIZE // 100)
                self.assertLess(grown["up2", "rx"], SIZE // 100)

    def test_syn_ack_goes_back_where_the_syn_came_from(self):
        self.router.run("nft", "-f", "-", input=self.SYN_ACKS)
        self.addCleanup(self.router.run, "nft", "delete", "table", "inet", "answers")
        for family in FAMILIES:
            self.transfer(family, "pod5")
        listing = self.router.json("nft", "-j", "list", "counters", "table", "inet", "answers")["nftables"]
        counted = {entry["counter"]["name"]: entry["counter"]["packets"] for entry in listing if "counter" in entry}
        self.assertEqual(counted, {"up1": len(FAMILIES), "up2": 0})

    def bytes(self):
        links = {link["ifname"]: link["stats64"] for link in self.gateway.json("ip", "-j", "-s", "link")}
        return {(name, way): links[name][way]["bytes"] for name in ("up1", "up2") for way in ("rx", "tx")}


class StrictReversePath(AsymmetricUplinks):
    """The same with a strict rp_filter on the gateway's node: the client's packets come by the uplink that is not its route."""

    @classmethod
    def uplinks(cls):
        super().uplinks()
        cls.gateway.sysctl("net.ipv4.conf.all.rp_filter", 1)
        cls.lab.route(cls.router, "10.5.0.0/24", via=["10.8.1.2"])

    def filtered(self):
        return self.gateway.snmp()["TcpExt.IPReversePathFilter"]

    def test_control_plain_routing_is_dropped(self):
        before = self.filtered()
        with self.assertRaises(TimeoutError):
            connect(self.client, (self.pods["pod5"][1][V4], PORT), timeout=2)
        self.assertGreater(self.filtered(), before)

    def test_spliced_packets_are_not_looked_at(self):
        before = self.filtered()
        self.transfer(V4, "pod5")
        self.assertEqual(self.filtered(), before)


class TunnelsWithoutEthernet(Shape, unittest.TestCase):
    """WireGuard, ipip and the like, as tun devices: the client behind one, a pod behind another, one on a plain link."""

    @classmethod
    def lay_out(cls):
        cls.lab.tunnel((cls.client, "tun0"), (cls.gateway, "tun1"))
        cls.lab.address(cls.client, "tun0", "10.1.0.2/24", "fd00:1::2/64")
        cls.lab.address(cls.gateway, "tun1", "10.1.0.1/24", "fd00:1::1/64")
        cls.lab.route(cls.client, "default", "::/0", dev="tun0")
        cls.link_pod(6, cls.lab.tunnel)
        cls.link_pod(7, cls.lab.link)

    def gateway_mtu(self, interface, mtu):
        ip("link", "set", interface, "mtu", mtu, namespace=self.gateway.name)

    def shrink(self, connection, interface):
        """
        Small segments pass until the connection's flow entry has the smaller MTU; returns when the agent, too, has seen it: it
        must not do so when all is wide again and the next connection is about to open.
        """
        wide = self.announced()
        self.gateway_mtu(interface, 1400)
        port = swapped(connection.getsockname()[1])
        def noticed():
            connection.sendall(b"!")
            self.assertEqual(read_exactly(connection, 1), b"!")
            return any(flow["value"]["flow"]["mtu"] == 1400 for flow in self.agent.flows()
                       if port in (flow["key"]["source_port"], flow["value"]["flow"]["destination_port"]))
        eventually(noticed, "MTU 1400 in a flow entry")
        eventually(lambda: self.announced() != wide, "small segments for the next connection")

    def announced(self):
        return [vip["value"]["mss"] for vip in self.agent.dump("vips")]

    def test_sender_behind_a_tunnel_is_told_of_a_smaller_mtu(self):
        """A way of the gateway shrinks under a connection: without ICMP to the client, or to the pod, nothing more would arrive."""
        wide = self.announced()
        for family in FAMILIES:
            for name, narrow in ("pod7", "pod7"), ("pod6", "pod6"), ("pod6", "tun1"):
                with self.subTest(family=family.name, pod=name, narrow=narrow):
                    for space in self.client, self.pods[name][0]:  # what they have learned already
                        ip("-6" if family == V6 else "-4", "route", "flush", "cache", namespace=space.name)
                    with Counting(self.agent) as counted:
                        self.transfer(family, name, once_open=lambda connection, narrow=narrow: self.shrink(connection, narrow))
                    self.gateway_mtu(narrow, 1500)
                    self.assertGreater(counted["too_big"], 0)
                    eventually(lambda: self.announced() == wide, "large segments again for the next connection")

    def test_what_is_not_ours_passes(self):
        """The gateway's own stack still gets its packets: TCP and UDP to ports that nobody listens on are refused by it."""
        for family, own in (V4, "10.1.0.1"), (V6, "fd00:1::1"):
            with self.subTest(family=family.name):
                with self.assertRaises(ConnectionRefusedError):
                    connect(self.client, (own, 9), timeout=5)
                with self.client.socket(family, socket.SOCK_DGRAM) as datagrams, self.assertRaises(ConnectionRefusedError):
                    datagrams.settimeout(5)
                    datagrams.connect((own, 9))
                    datagrams.send(b"anybody?")
                    datagrams.recv(1)

if __name__ == "__main__":
    main()
