# SPDX-License-Identifier: Apache-2.0
"""Rule of the source address: an endpoint sees the one that the kernel's own routing would choose for the way to it."""

import unittest

import networks_test
from harness import FAMILIES, V4, V6, eventually, main
from harness.clients import connect
from harness.hello import made
from harness.namespace import ip
from harness.servers import read_exactly
from harness.shape import VIP, Shape


class SourceAddress:
    """Added to a Shape."""

    def sees(self, family, pod):
        """What the pod says is its client's address."""
        self.seen.clear()
        hello = made(f"{pod}.example.com")
        with connect(self.client, (VIP[family], 443)) as connection:
            connection.sendall(hello)
            self.assertEqual(read_exactly(connection, len(hello)), hello)
        (_, source), = self.seen
        return source

    def chosen(self, family, pod):
        """By the kernel, for the node's own packets to the pod: (address, interface)."""
        _, addresses = self.pods[pod]
        route, = self.gateway.json("ip", "-j", "route", "get", addresses[family])
        return route["prefsrc"], route["dev"]

    def addresses(self, interface):
        link, = self.gateway.json("ip", "-j", "addr", "show", "dev", interface)
        return {address["local"] for address in link["addr_info"]}


class SourceOverVxlan(SourceAddress, networks_test.OtherNodeByVxlan):
    def test_rule_05_endpoint_sees_the_address_of_the_vxlan_device(self):
        for family in FAMILIES:
            with self.subTest(family=family.name):
                source, device = self.chosen(family, "pod4")
                self.assertEqual(device, "vx0")
                self.assertIn(source, self.addresses("vx0"))
                self.assertEqual(self.sees(family, "pod4"), source)


class SourceByTwoUplinks(SourceAddress, Shape, unittest.TestCase):
    """The pod is behind a router with a way to the gateway by either uplink."""

    @classmethod
    def lay_out(cls):
        cls.client_link()
        cls.router = cls.lab.space("router", forwarding=True)
        for number in 1, 2:
            name = f"up{number}"
            cls.lab.link((cls.gateway, name), (cls.router, name))
            cls.lab.address(cls.gateway, name, f"10.8.{number}.2/24", f"fd00:8:{number}::2/64")
            cls.lab.address(cls.router, name, f"10.8.{number}.1/24", f"fd00:8:{number}::1/64")
        space, addresses = cls.add_pod(5, 5)
        cls.lab.link((space, "eth0"), (cls.router, "pod5"))
        cls.lab.address(space, "eth0", f"{addresses[V4]}/24", f"{addresses[V6]}/64")
        cls.lab.address(cls.router, "pod5", "10.5.0.1/24", "fd00:5::1/64")
        cls.lab.route(space, "default", "::/0", via=["10.5.0.1", "fd00:5::1"])
        cls.lead(1)

    @classmethod
    def lead(cls, number, *sources):
        """The gateway's way to the pod, by that uplink; `sources`: the address it prefers for each family."""
        for network, router in ("10.5.0.0/24", f"10.8.{number}.1"), ("fd00:5::/64", f"fd00:8:{number}::1"):
            source = [word for address in sources if (":" in address) == (":" in network) for word in ("src", address)]
            ip("route", "replace", network, "via", router, *source, namespace="gw")

    def follows(self, device, owner):
        """A new connection has the address that the kernel chooses now; it is one of the interface `owner`."""
        for family in FAMILIES:
            with self.subTest(family=family.name, device=device):
                source, used = self.chosen(family, "pod5")
                self.assertEqual(used, device)
                self.assertIn(source, self.addresses(owner))
                eventually(lambda: self.sees(family, "pod5") == source, f"the pod sees {source}")

    def test_rule_05_endpoint_sees_the_address_of_the_uplink_in_use(self):
        self.addCleanup(self.lead, 1)
        for number in 1, 2, 1:
            self.lead(number)
            self.follows(f"up{number}", owner=f"up{number}")

    def test_rule_05_endpoint_sees_the_address_that_the_route_prefers(self):
        self.addCleanup(self.lead, 1)
        self.lead(2, "10.8.1.2", "fd00:8:1::2")
        self.follows("up2", owner="up1")

    def test_rule_05_answers_may_come_by_the_other_uplink(self):
        """What leaves by up1 with its address is answered by up2."""
        own = "10.8.1.2/32", "fd00:8:1::2/128"
        self.lab.route(self.router, *own, via=["10.8.2.2", "fd00:8:2::2"])
        for address in own:
            self.addCleanup(ip, "route", "del", address, namespace=self.router.name)
        for family in FAMILIES:
            with self.subTest(family=family.name):
                before = self.received()
                self.transfer(family, "pod5")
                grown = [after - before for before, after in zip(before, self.received())]
                self.assertEqual(self.sees(family, "pod5"), self.chosen(family, "pod5")[0])
                self.assertLess(grown[0], grown[1] // 100, "bytes by up1 and up2")

    def received(self):
        """Bytes that came in by up1 and up2."""
        links = {link["ifname"]: link["stats64"]["rx"]["bytes"] for link in self.gateway.json("ip", "-j", "-s", "link")}
        return links["up1"], links["up2"]


if __name__ == "__main__":
    main()
