# SPDX-License-Identifier: Apache-2.0
"""
The shapes of real nodes and networks: where the endpoints are, how clients come, what else is on the node. docs/networks.md
says for whom; each of its lines rests on a class here.
"""

import errno
import hashlib
import os
import socket
import threading
import unittest

from harness import FAMILIES, V4, V6, main, manifests
from harness.bystander import AFTER, BEFORE, NEXT, OK, Bystander
from harness.clients import connect
from harness.hello import made
from harness.lab import Lab
from harness.nginx import PORT
from harness.servers import Server, read_exactly
from harness.slipgated import Slipgated

VIP = {V4: "203.0.113.1", V6: "2001:db8:113::1"}
SIZE = 4 << 20  # bytes each way


class Network:
    """A client that reaches the VIP through the gateway; lay_out() says how, and where the pods are."""

    flags = ()  # of slipgated

    @classmethod
    def setUpClass(cls):
        cls.lab = Lab()
        cls.addClassCleanup(cls.lab.close)
        cls.gateway, cls.client = cls.lab.space("gw", forwarding=True), cls.lab.space("client")
        cls.pods = {}  # name: (Namespace, {family: address})
        cls.lay_out()
        cls.seen = []
        for space, _ in cls.pods.values():
            cls.addClassCleanup(Server(space, PORT, cls.serve).close)
        cls.agent = Slipgated(cls.gateway, cls.flags)
        cls.write_manifests(cls.agent.folder)
        cls.addClassCleanup(cls.agent.close)
        cls.agent.start()

    @classmethod
    def write_manifests(cls, folder):
        folder.write("gateway", [manifests.gateway_class(), manifests.gateway(VIP.values())])
        for name, (_, addresses) in cls.pods.items():
            folder.write(f"backend-{name}", manifests.backend(name, addresses.values(), PORT))
            folder.write(f"route-{name}", [manifests.tls_route(name, [f"{name}.example.com"], {name: 1})])

    @classmethod
    def serve(cls, connection):
        """Reads a hello, then sends back whatever comes."""
        cls.seen.append(connection.getpeername()[0].removeprefix("::ffff:"))
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

    def transfer(self, family, name, target=None):
        """SIZE random bytes there and back, behind a hello; every byte must be the same."""
        hello, data = made(f"{name}.example.com"), os.urandom(SIZE)
        with connect(self.client, target or (VIP[family], 443)) as connection:
            connection.sendall(hello)
            self.assertEqual(read_exactly(connection, len(hello)), hello)
            sender = threading.Thread(target=connection.sendall, args=(data,))
            sender.start()
            back = read_exactly(connection, SIZE)
            sender.join()
        self.assertEqual(hashlib.sha256(back).digest(), hashlib.sha256(data).digest())

    def test_large_transfers_to_each_pod(self):
        before = self.agent.counters()
        for family in FAMILIES:
            for name in self.pods:
                with self.subTest(family=family.name, pod=name):
                    self.transfer(family, name)
        after = self.agent.counters()
        self.assertEqual(after["established"] - before["established"], len(FAMILIES) * len(self.pods))
        own = {a["local"] for i in self.gateway.json("ip", "-j", "addr") for a in i["addr_info"]}
        self.assertLessEqual(set(self.seen), own, "pods see an address of the gateway")


class PodsBehindABridge(Network, unittest.TestCase):
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


class PodsBehindRoutedVeths(Network, unittest.TestCase):
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


class OtherNode(Network):
    """The pods are on another node, behind a bridge there; nodes are joined by `underlay()`."""

    @classmethod
    def lay_out(cls):
        cls.client_link()
        cls.node = cls.lab.space("node2", forwarding=True, rp_filter=1)
        cls.lab.link((cls.gateway, "u0"), (cls.node, "u0"))
        cls.lab.address(cls.gateway, "u0", "10.9.0.1/24", "fd00:9::1/64")
        cls.lab.address(cls.node, "u0", "10.9.0.2/24", "fd00:9::2/64")
        mtu = cls.underlay()
        space, addresses = cls.add_pod(4, 4)
        cls.lab.link((space, "eth0"), (cls.node, "veth4"), mtu)
        cls.lab.bridge(cls.node, "cni0", ["veth4"], mtu)
        cls.lab.address(cls.node, "cni0", "10.4.0.1/24", "fd00:4::1/64")
        cls.lab.address(space, "eth0", f"{addresses[V4]}/24", f"{addresses[V6]}/64")
        cls.lab.route(space, "default", "::/0", via=["10.4.0.1", "fd00:4::1"])


class OtherNodeByPlainRouting(OtherNode, unittest.TestCase):
    @classmethod
    def underlay(cls):
        cls.lab.route(cls.gateway, "10.4.0.0/24", "fd00:4::/64", via=["10.9.0.2", "fd00:9::2"])
        return 1500


class OtherNodeByVxlan(OtherNode, unittest.TestCase):
    """Flannel and its like: MTU 1450, and a strict rp_filter at the other end."""

    @classmethod
    def underlay(cls):
        for space, own, other in (cls.gateway, 1, 2), (cls.node, 2, 1):
            cls.lab.vxlan(space, "vx0", f"10.9.0.{own}", f"10.9.0.{other}")
            cls.lab.address(space, "vx0", f"10.244.0.{own}/24", f"fd00:244::{own}/64")
        cls.lab.route(cls.gateway, "10.4.0.0/24", "fd00:4::/64", via=["10.244.0.2", "fd00:244::2"])
        return 1450


class ClientBehindARouter(Network, unittest.TestCase):
    """The client is a hop away; the pod is on a plain link."""

    @classmethod
    def lay_out(cls):
        cls.router = cls.lab.space("router", forwarding=True)
        cls.lab.link((cls.client, "eth0"), (cls.router, "lan"))
        cls.lab.address(cls.client, "eth0", "10.1.0.2/24", "fd00:1::2/64")
        cls.lab.address(cls.router, "lan", "10.1.0.1/24", "fd00:1::1/64")
        cls.lab.route(cls.client, "default", "::/0", via=["10.1.0.1", "fd00:1::1"])
        cls.uplinks()
        space, addresses = cls.add_pod(5, 5)
        cls.lab.link((space, "eth0"), (cls.gateway, "veth5"))
        cls.lab.address(space, "eth0", f"{addresses[V4]}/24", f"{addresses[V6]}/64")
        cls.lab.address(cls.gateway, "veth5", "10.5.0.1/24", "fd00:5::1/64")
        cls.lab.route(space, "default", "::/0", via=["10.5.0.1", "fd00:5::1"])

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

    @classmethod
    def uplinks(cls):
        _, in_by = cls.uplink(1)
        out_by, _ = cls.uplink(2)
        cls.lab.route(cls.router, *VIP.values(), via=in_by)
        cls.lab.route(cls.gateway, "10.1.0.0/24", "fd00:1::/64", via=out_by)

    def test_the_stream_takes_both_ways(self):
        before = self.bytes()
        self.transfer(V4, "pod5")
        after = self.bytes()
        grown = {name: after[name] - before[name] for name in after}
        self.assertGreater(grown["up1", "rx"], SIZE)
        self.assertGreater(grown["up2", "tx"], SIZE)
        self.assertLess(grown["up1", "tx"], SIZE // 100)
        self.assertLess(grown["up2", "rx"], SIZE // 100)

    def bytes(self):
        links = {link["ifname"]: link["stats64"] for link in self.gateway.json("ip", "-j", "-s", "link")}
        return {(name, way): links[name][way]["bytes"] for name in ("up1", "up2") for way in ("rx", "tx")}


class TunnelsWithoutEthernet(Network, unittest.TestCase):
    """WireGuard, ipip and the like, as tun devices: the client behind one, a pod behind another, one on a plain link."""

    @classmethod
    def lay_out(cls):
        cls.lab.tunnel((cls.client, "tun0"), (cls.gateway, "tun1"))
        cls.lab.address(cls.client, "tun0", "10.1.0.2/24", "fd00:1::2/64")
        cls.lab.address(cls.gateway, "tun1", "10.1.0.1/24", "fd00:1::1/64")
        cls.lab.route(cls.client, "default", "::/0", dev="tun0")
        for number, link in (6, cls.lab.tunnel), (7, cls.lab.link):
            space, addresses = cls.add_pod(number, number)
            link((space, "eth0"), (cls.gateway, f"pod{number}"))
            cls.lab.address(space, "eth0", f"{addresses[V4]}/24", f"{addresses[V6]}/64")
            cls.lab.address(cls.gateway, f"pod{number}", f"10.{number}.0.1/24", f"fd00:{number}::1/64")
            cls.lab.route(space, "default", "::/0", via=[f"10.{number}.0.1", f"fd00:{number}::1"])

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


class FirewallOnTheNode(PodsBehindABridge):
    """nftables drops everything that is forwarded, and conntrack tracks: spliced connections meet neither."""

    RULES = """
        table inet firewall {
            chain forward {
                type filter hook forward priority 0; policy drop;
            }
            chain track {
                type filter hook prerouting priority 0;
                ct state invalid counter drop
            }
        }"""

    @classmethod
    def lay_out(cls):
        super().lay_out()
        cls.gateway.run("nft", "-f", "-", input=cls.RULES)

    def test_control_plain_routing_is_dropped(self):
        _, addresses = self.pods["pod2"]
        for family in FAMILIES:
            with self.assertRaises(TimeoutError):
                connect(self.client, (addresses[family], PORT), timeout=2)

    def test_conntrack_knows_nothing_of_spliced_connections(self):
        with connect(self.client, (VIP[V4], 443)) as connection:
            connection.sendall(made("pod2.example.com"))
            self.assertTrue(connection.recv(1))
            with self.gateway.entered(), open("/proc/thread-self/net/nf_conntrack") as table:
                tracked = table.read()
        self.assertNotIn(VIP[V4], tracked)
        self.assertNotIn(f"dport={PORT}", tracked)


class OtherPrograms(PodsBehindABridge):
    """TC programs of others at the same hook, in front of ours and behind it, by tcx and by clsact."""

    def bystander(self, name, **options):
        bystander = Bystander(name, **options)
        self.addCleanup(bystander.close)
        return bystander

    def test_in_front_sees_all_and_behind_sees_nothing_of_ours(self):
        front, behind, filter = (self.bystander(name) for name in ("front", "behind", "filter"))
        front.attach_tcx(self.gateway, "uplink", BEFORE)
        behind.attach_tcx(self.gateway, "uplink", AFTER)
        filter.attach_clsact(self.gateway, "uplink")
        for family in FAMILIES:
            self.transfer(family, "pod2")
        self.assertGreater(front.tcp_packets(), SIZE // 65536)
        self.assertEqual((behind.tcp_packets(), filter.tcp_packets()), (0, 0))
        with self.assertRaises(ConnectionRefusedError):
            connect(self.client, ("10.1.0.1", 9))  # not ours
        self.assertEqual((behind.tcp_packets(), filter.tcp_packets()), (1, 1))

    def test_that_decides_in_front_leaves_us_out(self):
        front = self.bystander("decides", verdict=OK)
        front.attach_tcx(self.gateway, "uplink", BEFORE)
        with self.assertRaises(OSError) as raised:
            connect(self.client, (VIP[V4], 443), timeout=5)
        self.assertEqual(raised.exception.errno, errno.ENETUNREACH, "what the gateway's own stack says of a VIP")
        front.decide(NEXT)
        self.transfer(V4, "pod2")


if __name__ == "__main__":
    main()
