# SPDX-License-Identifier: Apache-2.0
"""Rules of the gateway's host: neighbours, source ports, interfaces, and what a change of its tables touches."""

import time

from harness import FAMILIES, FAMILY_NAMES, V4, V6, Counting, eventually, host_of, main, manifests
from harness.nginx import PORT
from harness.sandbox import BPFFS, WORK
from harness.servers import Server, echo
from harness.topology import Host
from routed import RoutedCase


class RulesOfTheHost(RoutedCase):
    # ---- neighbours ----

    def test_endpoint_that_moved_to_another_mac_is_found(self):
        """The gateway's STALE neighbour entry is put right by the kernel, though only redirected packets go there."""
        backend = self.network.backends[1]
        host = self.publish("moved", {"moved": backend.address.values()})
        for protocol in "ipv4", "ipv6":  # else it takes 8 s until the kernel asks whoever has the address now
            neighbours = f"net.{protocol}.neigh.{backend.port}"
            self.gateway.sysctl(f"{neighbours}.delay_first_probe_time", 1)
            self.gateway.sysctl(f"{neighbours}.ucast_solicit", 1)
        for family in self.each_family():
            stale = "ip", "neigh", "replace", backend.address[family], "dev", backend.port, "nud", "stale", "lladdr"
            self.gateway.run(*stale, "02:00:00:00:99:99")
            connection = eventually(lambda family=family: self.ask(family, host), "the endpoint is found")
            connection.close()

    # ---- forwarding ----

    def test_node_that_does_not_forward_is_named_and_splices_nothing(self):
        """The kernel's routing has no way for packets of others then."""
        for family, sysctl in (V4, "net.ipv4.ip_forward"), (V6, "net.ipv6.conf.all.forwarding"):
            with self.subTest(family=FAMILY_NAMES[family]):
                self.addCleanup(self.gateway.sysctl, sysctl, 1)
                self.gateway.sysctl(sysctl, 0)
                self.restart(*self.flags)
                eventually(lambda: f"sysctl={sysctl}" in self.agent.log.read_text(), "a warning that names the sysctl")
                with Counting(self.agent) as counted:
                    self.assertIsNone(self.ask(family, host_of("b1")))
                    self.assertEqual((counted["endpoint_unreachable"], counted["endpoint_syn"]), (1, 0))
                self.gateway.sysctl(sysctl, 1)
                self.ask(family, host_of("b1")).close()

    # ---- 5: source ports ----

    def test_rule_05_source_ports_the_host_may_use_itself_are_refused(self):
        done = self.gateway.run(self.agent.program, "--pin-dir", BPFFS / "other", "--manifests", self.agent.folder.path,
                                "--status-dir", WORK / "other", "--http-address", "127.0.0.1:9471",
                                "--source-ports", "40000-40999", check=False, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("ip_local_port_range", done.stderr)

    def test_rule_05_reserved_source_ports_are_accepted(self):
        self.gateway.sysctl("net.ipv4.ip_local_reserved_ports", "40000-40999")
        self.addCleanup(self.gateway.sysctl, "net.ipv4.ip_local_reserved_ports", "\n")
        self.restart("--source-ports", "40000-40999")
        for family in self.each_family():
            with self.ask(family, host_of("b1")) as connection:
                client = connection.getsockname()[1]
            line = eventually(lambda: [l for l in self.agent.access_log() if l["client"].endswith(f":{client}")], "line in the log")[0]
            self.assertIn(int(line["source"].rpartition(":")[2]), range(40000, 41000))

    def test_rule_05_every_port_is_found_and_a_closing_one_is_recycled(self):
        self.restart("--source-ports", "61000-61003", "--closing-time", "60s")
        for family in self.each_family():
            with Counting(self.agent) as counted:
                first = [self.ask(family, host_of("b1")) for _ in range(4)]
                self.assertNotIn(None, first)
                self.assertIsNone(self.ask(family, host_of("b1")))
                self.assertEqual(counted["source_ports_exhausted"], 1)
                for connection in first:
                    connection.close()
                eventually(lambda: all(e["value"]["flow"]["state"] == 3 for e in self.agent.flows()), "all flows are closing")
                second = [self.ask(family, host_of("b1")) for _ in range(4)]
                self.assertNotIn(None, second)
                self.assertEqual(counted["port_recycled"], 4)
                for connection in second:
                    connection.close()

    # ---- 13: interfaces ----

    def test_rule_13_interface_that_comes_later_carries_the_program(self):
        late = Host("b9", 2, 9)
        self.network.backends.append(late)
        host = self.publish("later", {"later": [late.address[family] for family in FAMILIES]})
        self.assertEqual(eventually(lambda: self.excluded("later"), "the condition")["reason"], "NoRoute")
        self.network._connect(late, 1500)
        self.addCleanup(Server(late, PORT, echo).close)
        eventually(lambda: not self.excluded("later"), "the condition goes")
        for family in self.each_family():
            eventually(lambda: self.ask(family, host), f"endpoint behind {late.port} serves").close()

    def test_rule_13_endpoint_behind_an_interface_without_the_program_is_no_candidate(self):
        served, other = self.network.backends
        host = self.publish("behind", {"behind": self.addresses(0) + self.addresses(1)})
        self.restart("--interface", f"{self.client.port},{served.port}")
        condition = eventually(lambda: self.excluded("behind"), "the condition")
        self.assertEqual(condition["reason"], "InterfaceNotAttached")
        self.assertIn(f"{other.address[V4]}:{PORT} ({other.port})", condition["message"])
        for family in self.each_family():
            for _ in range(20):
                self.ask(family, host).close()  # by the endpoint that is left
        self.restart(*type(self).flags)
        eventually(lambda: not self.excluded("behind"), "the condition goes")

    # ---- 16: what a change touches ----

    def test_rule_16_weight_change_is_one_store_in_routes(self):
        self.publish("stores", {"b1": self.addresses(0), "b2": self.addresses(1)}, {"b1": 1, "b2": 1})
        before, after = self.change(lambda: self.publish("stores", {}, {"b1": 1, "b2": 3}))
        self.assertEqual(len(before["routes"].items() ^ after["routes"].items()), 2, "one route, old and new")
        for name in before.keys() - {"routes", "weights"}:
            self.assertEqual(after[name], before[name], name)

    def test_rule_16_endpoint_change_is_one_store_per_family_in_backends(self):
        self.publish("moves", {"moves": self.addresses(0)})
        self.publish("moves2", {}, {"moves": 1})
        before, after = self.change(lambda: self.agent.folder.write("backend-moves", manifests.backend("moves", self.addresses(1))))
        self.assertEqual(len(before["backends"].items() ^ after["backends"].items()), 2 * len(FAMILIES), FAMILY_NAMES)
        for name in before.keys() - {"backends", "endpoints"}:
            self.assertEqual(after[name], before[name], name)

    def change(self, make):
        before = eventually(self.quiet, "tables at rest")
        make()
        eventually(lambda: self.agent.tables() != before, "the change is in the maps")
        return before, eventually(self.quiet, "tables at rest")

    def quiet(self):
        """The tables, once two looks in a row are equal."""
        first = self.agent.tables()
        time.sleep(0.3)
        return first if first == self.agent.tables() else None


if __name__ == "__main__":
    main()
