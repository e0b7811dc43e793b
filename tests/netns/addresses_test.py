# SPDX-License-Identifier: Apache-2.0
"""
Addresses of Gateways on the link of their clients: the gateway's host answers ARP and NDP for them, and holds a listening socket on
each. c1 has them beside itself, without a router.
"""

import contextlib
import errno
import socket

from harness import FAMILIES, Case, eventually, main, manifests
from harness.clients import connect, peer_name, tls, url_host
from harness.namespace import ip
from harness.sandbox import BPFFS, WORK
from harness.servers import read_exactly
from harness.slipgated import Slipgated
from harness.topology import V4, V6

POOL = {V4: "10.1.1.100-10.1.1.109", V6: "fd00:1:1::100-fd00:1:1::109"}
NAMED = "10.1.1.70"  # by spec.addresses
BROADCAST = "10.1.1.255"
LONE = {V4: 32, V6: 128}  # bits of a prefix that is one address
NAME = "any.wild.example.com"  # every backend has a certificate for it


class SecondSlipgated(Slipgated):
    """In the same network namespace as the first, with pins, manifests and a device of its own."""

    HTTP_PORT = 9471
    DEVICE = "second"

    def __init__(self, gateway, flags):
        gateway.run("ip", "link", "add", self.DEVICE, "type", "veth", "peer", "name", "nobody")
        super().__init__(gateway, ("--http-address", f"127.0.0.1:{self.HTTP_PORT}", "--interface", self.DEVICE, *flags))
        self.pins, self.folder = BPFFS / self.DEVICE, manifests.Folder(WORK / "second-manifests")
        self.status_dir, self.log, self._access_log = (WORK / f"{self.DEVICE}-{name}" for name in ("status", "log", "access"))

    def close(self):
        super().close()
        self._gateway.run("ip", "link", "del", self.DEVICE)


class Addresses(Case):
    tls_echo = True
    backends = 3
    flags = ("--address-pool", ",".join(POOL.values()), "--address-range", f"10.1.1.64/26,{BROADCAST}/32")

    @classmethod
    def write_manifests(cls):
        cls.agent.folder.write("class", [manifests.gateway_class()])
        for number, backend in enumerate(cls.network.backends):
            cls.write_backend(backend.name, [backend])
            if number < 2:
                cls.write_gateway(f"gateway-{backend}", backend.name)

    @classmethod
    def write_gateway(cls, name, backend, addresses=(), port=443):
        """A Gateway of that name, of which every connection goes to one backend."""
        cls.agent.folder.write(name, [manifests.gateway(addresses, port, name), manifests.tls_route(name, [NAME], {backend: 1}, name)])

    def add_gateway(self, name, *rest, **options):
        self.write_gateway(name, "b3", *rest, **options)
        self.addCleanup(self.agent.folder.remove, name)

    def setUp(self):
        eventually(lambda: len(self.lone_addresses()) == 4, "those of the two Gateways that stay, and no others")

    def addresses_of(self, gateway):
        """{family: address}, as its status says."""
        found = self.agent.status("Gateway", gateway).get("addresses") or []
        return {V6 if ":" in entry["value"] else V4: entry["value"] for entry in found}

    def wait_for_addresses(self, gateway):
        return eventually(lambda: self.addresses_of(gateway), f"{gateway} has addresses")

    def lone_addresses(self):
        """[(interface, address)] of the gateway's host that are alone in their networks."""
        links = self.gateway.json("ip", "-json", "address", "show")
        return sorted((link["ifname"], entry["local"]) for link in links if link["ifname"] != "lo" for entry in link["addr_info"]
                      if entry["prefixlen"] == LONE[V6 if ":" in entry["local"] else V4])

    def who_answers(self, address, port=443):
        with tls(self.client, (address, port), NAME, self.certificates.values()) as session:
            session.sendall(b"data")
            self.assertEqual(read_exactly(session, 4), b"data")
            return peer_name(session)

    def condition(self, gateway, kind="Accepted"):
        return self.agent.conditions("Gateway", gateway).get(("tls", kind), {})

    def test_gateways_have_addresses_of_their_own_that_neighbours_find(self):
        seen = set()
        for backend in "b1", "b2":
            addresses = self.wait_for_addresses(f"gateway-{backend}")
            for family in self.each_family():
                seen.add(addresses[family])
                self.assertEqual(self.who_answers(addresses[family]), backend)
                neighbour, = self.client.json("ip", "-json", "neigh", "show", addresses[family])
                self.assertEqual(neighbour["lladdr"], self.client.gateway_mac)
        self.assertEqual(len(seen), 4, "all of them on port 443")
        self.assertEqual({address for _, address in self.lone_addresses()}, seen)

    def test_neighbours_that_knew_an_address_elsewhere_are_told(self):
        given = {V4: "10.1.1.102", V6: "fd00:1:1::102"}  # the next ones of the pool
        def neighbour(address):
            return self.client.json("ip", "-json", "neigh", "show", address)[0]["lladdr"]
        for address in given.values():
            ip("neigh", "replace", address, "lladdr", "02:00:00:00:00:99", "dev", "eth0", "nud", "reachable",
               namespace=self.client.name)
        self.add_gateway("moved")
        self.assertEqual(self.wait_for_addresses("moved"), given)
        for family in self.each_family():
            eventually(lambda: neighbour(given[family]) == self.client.gateway_mac, "without having asked")

    def test_an_address_goes_back_with_its_gateway(self):
        before = self.lone_addresses()
        self.write_gateway("short-lived", "b3")
        addresses = self.wait_for_addresses("short-lived")
        for family in self.each_family():
            self.assertEqual(self.who_answers(addresses[family]), "b3")
        self.agent.folder.remove("short-lived")
        eventually(lambda: self.lone_addresses() == before, "the addresses are given back")
        ip("neigh", "flush", "dev", "eth0", namespace=self.client.name)
        for family in self.each_family():
            with self.assertRaises(OSError) as raised:
                connect(self.client, (addresses[family], 443))
            self.assertEqual(raised.exception.errno, errno.EHOSTUNREACH, "nobody answers for it")

    def add_to_host(self, address):
        ip("addr", "add", f"{address}/32", "dev", self.client.port, namespace=self.gateway.name)
        removed = contextlib.ExitStack()
        self.addCleanup(removed.close)
        removed.callback(ip, "addr", "del", f"{address}/32", "dev", self.client.port, namespace=self.gateway.name)
        return removed.close

    def assert_refused(self, name, address):
        """By a Gateway that names it."""
        before = self.lone_addresses()
        self.add_gateway(name, [address])
        refused = eventually(lambda: self.agent.conditions("Gateway", name).get(("", "Programmed")), "the Gateway has a status")
        self.assertEqual((refused["status"], refused["reason"]), ("False", "AddressNotUsable"))
        self.assertIn(f"{address} (it is the host's own, which --address would lend, or the first or last of its network)", refused["message"])
        self.assertEqual(self.lone_addresses(), before)

    def test_the_last_address_of_a_network_is_no_gateways(self):
        """Nobody could connect to it: it is that of all hosts there."""
        self.assert_refused("broadcast", BROADCAST)

    def test_an_address_that_the_host_has_itself_is_no_gateways_until_it_is_given_up(self):
        remove = self.add_to_host(NAMED)
        self.assert_refused("named", NAMED)
        remove()
        eventually(lambda: (self.client.port, NAMED) in self.lone_addresses(), "the Gateway's agent puts it there")
        self.assertEqual(self.who_answers(NAMED), "b3")

    def test_the_pool_leaves_out_an_address_that_the_host_has_itself(self):
        self.add_to_host("10.1.1.102")
        before = self.lone_addresses()
        self.write_gateway("short-lived", "b3")
        self.assertEqual(self.wait_for_addresses("short-lived")[V4], "10.1.1.103")
        self.agent.folder.remove("short-lived")
        eventually(lambda: self.lone_addresses() == before, "what the host had is left alone")

    def test_an_address_that_spec_addresses_names_is_configured(self):
        self.add_gateway("named", [NAMED])
        eventually(lambda: (self.client.port, NAMED) in self.lone_addresses(), "it is on the interface to the client")
        self.assertEqual(self.who_answers(NAMED), "b3")

    def address_changes(self):
        """A function that gives the lines of `ip monitor` until now."""
        monitor = self.gateway.start("ip", "-oneline", "monitor", "address", log=WORK / "address-changes")
        self.addCleanup(monitor.close)
        def is_seen():
            for change in "add", "del":
                ip("addr", change, "192.0.2.99/32", "dev", self.client.port, namespace=self.gateway.name)
            return "192.0.2.99" in monitor.log_text()
        eventually(is_seen, "the monitor has begun")
        return lambda: monitor.log_text().splitlines()

    def test_an_address_that_moves_to_another_interface_is_there_all_the_time(self):
        self.add_gateway("named", [NAMED])
        eventually(lambda: (self.client.port, NAMED) in self.lone_addresses(), "it is on the interface to the client")
        changes, near = self.address_changes(), self.network.backends[0].port
        ip("addr", "add", "10.1.1.65/26", "dev", near, namespace=self.gateway.name)  # a smaller network around it
        self.addCleanup(eventually, lambda: (self.client.port, NAMED) in self.lone_addresses(), "it is back")
        self.addCleanup(ip, "addr", "del", "10.1.1.65/26", "dev", near, namespace=self.gateway.name)
        eventually(lambda: len([line for line in changes() if NAMED in line]) == 2, "it has moved")
        came, went = [line for line in changes() if NAMED in line]
        self.assertIn(near, came)
        self.assertIn("Deleted", went)
        self.assertIn(self.client.port, went)

    def test_an_address_outside_of_the_ranges_is_refused(self):
        self.add_gateway("outside", ["10.1.1.7"])
        refused = eventually(lambda: self.agent.conditions("Gateway", "outside").get(("", "Programmed")), "the Gateway has a status")
        self.assertEqual((refused["status"], refused["reason"]), ("False", "AddressNotUsable"))
        self.assertIn("10.1.1.7", refused["message"])
        self.assertNotIn("10.1.1.7", str(self.lone_addresses()))

    def test_a_taken_port_is_left_to_who_has_it_until_it_is_free(self):
        other = self.gateway.socket(socket.AF_INET)
        self.addCleanup(other.close)
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other.bind(("0.0.0.0", 8443))
        other.listen()
        self.add_gateway("other-port", [NAMED])  # for its sake the host has the address
        eventually(lambda: (self.client.port, NAMED) in self.lone_addresses(), "the host has the address")
        self.add_gateway("taken", [NAMED], 8443)
        eventually(lambda: self.condition("taken").get("reason") == "PortUnavailable", "the listener's condition says so")
        self.assertIn(f"{NAMED}:8443", self.condition("taken")["message"])
        with connect(self.client, (NAMED, 8443)) as connection, other.accept()[0] as accepted:
            accepted.sendall(b"mine")
            self.assertEqual(read_exactly(connection, 4), b"mine", "the other process keeps its traffic")
        other.close()
        eventually(lambda: self.condition("taken").get("reason") == "Accepted", "the listener is accepted")
        self.assertEqual(eventually(lambda: self.answer_or_nothing(NAMED, 8443), "the VIP serves"), "b3")

    def answer_or_nothing(self, *target):
        try:
            return self.who_answers(*target)
        except ConnectionResetError:
            return None

    def test_the_agent_listens_where_it_serves(self):
        def listening():
            return {line.split()[3] for line in self.gateway.run("ss", "-Hlnt").stdout.splitlines()}
        wanted = {f"{url_host(address)}:443" for backend in ("b1", "b2")
                  for address in self.wait_for_addresses(f"gateway-{backend}").values()}
        self.assertLessEqual(wanted, listening())
        self.write_gateway("short-lived", "b3", [NAMED])
        eventually(lambda: f"{NAMED}:443" in listening(), "a socket for a new VIP")
        self.agent.folder.remove("short-lived")
        eventually(lambda: f"{NAMED}:443" not in listening(), "no socket for one that is gone")

    def test_a_client_on_the_node_itself_is_reset_and_counted(self):
        strays = "slipgate_stray_connections_total"
        before = self.agent.metric(strays)
        for family in self.each_family():
            target = self.wait_for_addresses("gateway-b1")[family], 443
            with self.assertRaises(ConnectionResetError), connect(self.gateway, target) as connection:
                connection.recv(1)
        eventually(lambda: self.agent.metric(strays) == before + 2, "both are counted")

    def test_the_host_sends_nothing_of_its_own_from_them(self):
        """A connection from such an address would end with the Gateway."""
        for family in self.each_family():
            for host in (*self.network.clients, *self.network.backends):
                route, = self.gateway.json("ip", "-json", "route", "get", host.address[family])
                self.assertEqual(route["prefsrc"], host.gateway_address[family])

    def test_a_restart_changes_no_address_and_cuts_no_connection(self):
        before = self.lone_addresses()
        given = {backend: self.wait_for_addresses(f"gateway-{backend}") for backend in ("b1", "b2")}
        live = [tls(self.client, (given["b1"][family], 443), NAME, self.certificates.values()) for family in FAMILIES]
        for stop in self.agent.kill, self.agent.terminate:
            stop()
            self.assertEqual(self.lone_addresses(), before, "they stay without the agent")
            for family in self.each_family():
                self.assertEqual(self.who_answers(given["b1"][family]), "b1")
            self.agent.start()
            self.assertEqual(self.lone_addresses(), before)
            self.assertEqual({backend: self.addresses_of(f"gateway-{backend}") for backend in given}, given)
        for session in live:
            session.sendall(b"data")
            self.assertEqual(read_exactly(session, 4), b"data")
            session.close()

    def test_a_gateway_keeps_its_address_over_a_restart_though_a_lower_one_is_free(self):
        self.write_gateway("earlier", "b3")
        self.wait_for_addresses("earlier")
        self.add_gateway("later")
        given = self.wait_for_addresses("later")
        self.agent.folder.remove("earlier")
        eventually(lambda: not self.agent.status("Gateway", "earlier"), "the earlier Gateway is gone")
        self.agent.terminate()
        self.agent.start()
        self.assertEqual(self.addresses_of("later"), given)

    def test_a_gateway_comes_back_to_its_address_after_it_was_refused(self):
        self.add_gateway("changed")
        given = self.wait_for_addresses("changed")
        refused = manifests.gateway([], name="changed")
        refused["spec"]["infrastructure"] = {"parametersRef": {"group": "example.com", "kind": "Any", "name": "any"}}
        self.agent.folder.write("changed", [refused])
        eventually(lambda: self.agent.conditions("Gateway", "changed")["", "Accepted"]["status"] == "False", "it is refused")
        self.agent.terminate()
        self.agent.start()
        self.add_gateway("later")
        self.assertNotEqual(self.wait_for_addresses("later"), given)
        self.write_gateway("changed", "b3")
        eventually(lambda: self.agent.conditions("Gateway", "changed")["", "Accepted"]["status"] == "True", "it is accepted")
        self.assertEqual(self.addresses_of("changed"), given)

    def test_agents_beside_each_other_leave_each_other_their_addresses(self):
        before = self.lone_addresses()
        second = SecondSlipgated(self.gateway, ["--address-pool", "10.1.1.120"])
        closed = contextlib.ExitStack()
        self.addCleanup(closed.close)
        closed.callback(second.close)
        second.folder.write("all", [manifests.gateway_class(), manifests.gateway([], name="second")])
        second.start()
        of_both = sorted([*before, (self.client.port, "10.1.1.120")])
        self.assertEqual(self.lone_addresses(), of_both)
        self.write_gateway("short-lived", "b3")
        eventually(lambda: len(self.lone_addresses()) == len(of_both) + 2, "the first has given addresses meanwhile")
        self.agent.folder.remove("short-lived")
        eventually(lambda: self.lone_addresses() == of_both, "and taken them back, and no other")
        closed.close()
        self.assertEqual(self.lone_addresses(), before, "--uninstall takes away what is its own")

    def test_uninstall_takes_the_addresses_away(self):
        before = self.lone_addresses()
        self.agent.terminate()
        self.agent.close()
        self.assertEqual(self.lone_addresses(), [])
        self.agent.start()
        self.assertEqual(self.lone_addresses(), before)


if __name__ == "__main__":
    main()
