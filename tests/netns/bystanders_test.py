# SPDX-License-Identifier: Apache-2.0
"""What else is on the node: a firewall, conntrack, TC programs of others. See docs/networks.md."""

import errno
import ipaddress
import unittest
from contextlib import ExitStack, closing, contextmanager

from harness import FAMILIES, V4, V6, eventually, main
from harness.bystander import AFTER, BEFORE, NEXT, OK, Bystander
from harness.clients import connect
from harness.hello import made
from harness.nginx import PORT
from harness.servers import Server, echo
from harness.shape import SIZE, VIP, Shape


CONTROL_PORT = 7  # of a server of the gateway's own


class OneLink(Shape):
    """A pod on a link of its own."""

    @classmethod
    def lay_out(cls):
        cls.client_link()
        cls.link_pod(2, cls.lab.link)


class FirewallOnTheNode(OneLink, unittest.TestCase):
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
        own = {V4: "10.1.0.1", V6: "fd00:1::1"}  # of the gateway itself
        self.addCleanup(Server(self.gateway, CONTROL_PORT, echo).close)
        for family in FAMILIES:
            with self.subTest(family=family.name):
                with (connect(self.client, (VIP[family], 443)) as spliced,
                      connect(self.client, (own[family], CONTROL_PORT)) as control):
                    for connection in spliced, control:
                        connection.sendall(made("pod2.example.com"))
                        self.assertTrue(connection.recv(1))
                    with self.gateway.entered(), open("/proc/thread-self/net/nf_conntrack") as table:
                        tracked = table.read()
                self.assertIn(f"dst={ipaddress.ip_address(own[family]).exploded} ", tracked)
                self.assertNotIn(f"dst={ipaddress.ip_address(VIP[family]).exploded} ", tracked)
                self.assertNotIn(f"dport={PORT}", tracked)


class OtherPrograms(OneLink, unittest.TestCase):
    """TC programs of others at the same hook, in front of ours and behind it, by tcx and by clsact, on either side."""

    FOREIGN_PORT = 9  # of the gateway itself: nobody listens
    SIDES = {  # interface of the gateway: (its neighbour, the gateway's addresses there)
        "uplink": ("client", {V4: "10.1.0.1", V6: "fd00:1::1"}),
        "pod2": ("pod2", {V4: "10.2.0.1", V6: "fd00:2::1"})}

    @contextmanager
    def bystander(self, name, **options):
        with closing(Bystander(name, **options)) as bystander:
            yield bystander

    def test_in_front_sees_all_and_behind_sees_nothing_of_ours(self):
        for interface, (name, addresses) in self.SIDES.items():
            neighbour = self.pods[name][0] if name in self.pods else self.client
            for family in FAMILIES:
                with self.subTest(interface=interface, family=family.name), ExitStack() as stack:
                    names = (f"{place}-{interface}-{family.name}" for place in ("front", "behind", "filter"))
                    front, behind, filter = (stack.enter_context(self.bystander(name)) for name in names)
                    front.attach_tcx(self.gateway, interface, BEFORE)
                    behind.attach_tcx(self.gateway, interface, AFTER)
                    filter.attach_clsact(self.gateway, interface)
                    stack.callback(filter.detach_clsact, self.gateway)
                    self.transfer(family, "pod2")
                    self.assertGreater(front.tcp_packets(), SIZE // 65536)
                    self.assertEqual((behind.tcp_packets(), filter.tcp_packets()), (0, 0))
                    with self.assertRaises(ConnectionRefusedError):
                        connect(neighbour, (addresses[family], self.FOREIGN_PORT))  # not ours
                    self.assertEqual((behind.tcp_packets(), filter.tcp_packets()), (1, 1))

    def test_that_decides_in_front_of_the_client_leaves_us_out(self):
        for family in FAMILIES:
            with self.subTest(family=family.name), self.bystander(f"decides{family.name}", verdict=OK) as front:
                front.attach_tcx(self.gateway, "uplink", BEFORE)
                with self.assertRaises(OSError) as raised:
                    connect(self.client, (VIP[family], 443), timeout=5)
                self.assertEqual(raised.exception.errno, errno.ENETUNREACH, "what the gateway's own stack says of a VIP")
                front.decide(NEXT)
                self.transfer(family, "pod2")

    def test_that_decides_in_front_of_the_endpoint_leaves_us_out(self):
        """The endpoint's SYN-ACK goes to the gateway's own stack, which knows no such connection and resets it."""
        for family in FAMILIES:
            with self.subTest(family=family.name), self.bystander(f"answers{family.name}", verdict=OK) as front:
                before = self.gateway.snmp()["Tcp.OutRsts"], self.agent.counters()
                front.attach_tcx(self.gateway, "pod2", BEFORE)
                with connect(self.client, (VIP[family], 443)) as connection:
                    connection.sendall(made("pod2.example.com"))
                    eventually(lambda: self.gateway.snmp()["Tcp.OutRsts"] > before[0], "the stack answers the SYN-ACK")
                    after = self.agent.counters()
                    self.assertEqual(after["endpoint_syn_ack"], before[1]["endpoint_syn_ack"])
                    self.assertGreater(after["endpoint_syn"], before[1]["endpoint_syn"])
                front.decide(NEXT)
                self.transfer(family, "pod2")


if __name__ == "__main__":
    main()
