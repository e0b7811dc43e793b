# SPDX-License-Identifier: Apache-2.0
"""Rules of endpoints, source ports, interfaces and tables: what is chosen, what is left out, what a change touches."""

import time
from contextlib import closing, suppress

from harness import FAMILIES, FAMILY_NAMES, V4, V6, Case, Counting, eventually, host_of, main, manifests
from harness.clients import connect
from harness.hello import made
from harness.namespace import ip
from harness.nginx import PORT
from harness.packets import ACK, RST, SYN, Segment, mss
from harness.sandbox import BPFFS, WORK
from harness.servers import Server, echo
from harness.station import Conversation, Station
from harness.topology import Host


class RulesOfTheHost(Case):
    echo = True
    backends = 2
    flags = ("--closing-time", "2s", "--connect-timeout", "500ms")

    def publish(self, name, backends, weights=None):
        """A route `name`.example.com; `backends`: {Service: addresses}."""
        for service, addresses in backends.items():
            self.agent.folder.write(f"backend-{service}", manifests.backend(service, addresses, PORT))
        host = f"{name}.example.com"
        self.agent.folder.write(f"route-{name}", [manifests.tls_route(name, [host], weights or dict.fromkeys(backends, 1))])
        eventually(lambda: any(e["value"]["hostname"] == host for e in self.agent.dump("names")), f"{host} in the maps")
        return host

    def ask(self, family, host):
        """An open connection through `host`, None if it was refused."""
        connection = connect(self.client, self.target(family))
        with suppress(ConnectionResetError):
            connection.sendall(made(host))
            if connection.recv(4096):
                return connection
        connection.close()
        return None

    # ---- 2: the kernel's routing ----

    def test_rule_02_endpoint_that_moved_to_another_mac_is_found(self):
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

    # ---- 5: source ports ----

    def restart(self, *flags):
        """With these flags instead of the usual ones, until the end of the test."""
        def again(chosen):
            self.agent.terminate()
            self.agent.flags = chosen
            self.agent.start()
        self.addCleanup(again, self.flags)
        again(flags)

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

    # ---- 6: addresses that are never endpoints ----

    def excluded(self, name):
        """The condition of the route `name` about endpoints that are left out; None: there is none."""
        return self.agent.conditions("TLSRoute", name).get(("gateway", "slipgate.dev/EndpointsExcluded"))

    def test_rule_06_local_and_special_addresses_are_no_endpoints(self):
        """Condition and metric say which; the endpoint beside them serves."""
        backend = self.network.backends[0]
        special = {
            "LocalAddress": [backend.gateway_address[V4], f"[{backend.gateway_address[V6]}]"],
            "MulticastAddress": ["239.7.7.7", "[ff0e::7]"],
            "GatewayAddress": [self.network.vip[V4], f"[{self.network.vip[V6]}]"]}
        for number, (reason, addresses) in enumerate(special.items()):
            name = f"special{number}"
            host = self.publish(name, {name: [address.strip("[]") for address in addresses] + self.addresses(0)})
            for family in self.each_family():
                for _ in range(20):
                    self.ask(family, host).close()
            condition = eventually(lambda: self.excluded(name), f"{reason} in the status")
            self.assertEqual((condition["status"], condition["reason"]), ("True", reason))
            for address in addresses:
                self.assertIn(f"{address}:{PORT}", condition["message"])
            self.assertEqual(self.agent.metric(f'slipgate_excluded_endpoints{{reason="{reason}"}}'), len(addresses))
            for kind in "Accepted", "ResolvedRefs":
                self.assertEqual(self.agent.conditions("TLSRoute", name)["gateway", kind]["status"], "True")

    def test_rule_06_addresses_that_no_cluster_takes_are_refused_by_name(self):
        """As an API server would: the EndpointSlice is refused, and the log says why."""
        ranges = {"127.0.0.1": "loopback", "::1": "loopback", "169.254.7.7": "link-local", "fe80::7": "link-local",
                  "224.0.0.7": "link-local multicast", "ff02::7": "link-local multicast", "0.0.0.0": "unspecified", "::": "unspecified"}
        for number, (address, reason) in enumerate(ranges.items()):
            with self.subTest(address=address):
                name = f"refused{number}"
                host = self.publish(name, {name: [address]})
                def lines():
                    return [line for line in self.agent.log.read_text().splitlines() if f"/{name}-" in line and reason in line]
                eventually(lines, f"{reason} address in the log")
                self.assertIsNone(self.ask(V6 if ":" in address else V4, host))

    def test_rule_06_condition_goes_with_its_cause(self):
        """An address of the gateway becomes one of a backend."""
        backend = self.network.backends[0]
        moving = {V4: ("10.2.1.66", 24), V6: ("fd00:2:1::66", 64)}

        def assign(change, namespace, interface):
            for family, (address, length) in moving.items():
                ip("addr", change, f"{address}/{length}", "dev", interface, *(["nodad"] if family == V6 and change == "add" else []),
                   namespace=namespace)

        assign("add", "gw", backend.port)
        host = self.publish("moving", {"moving": [address for address, _ in moving.values()]})
        self.assertEqual(eventually(lambda: self.excluded("moving"), "the condition")["reason"], "LocalAddress")
        for family in self.each_family():
            self.assertIsNone(self.ask(family, host))
        assign("del", "gw", backend.port)
        assign("add", backend.name, "eth0")
        eventually(lambda: not self.excluded("moving"), "the condition goes")
        for family in self.each_family():
            eventually(lambda: self.ask(family, host), "the address serves").close()

    def test_rule_06_families_are_not_mixed(self):
        """Endpoints of one family: clients of the other are refused, and a condition says so until there is one."""
        host = self.publish("single", {"single": self.addresses(0)[:1]})
        condition = eventually(lambda: self.excluded("single"), "the condition")
        self.assertEqual(condition["reason"], "FamilyMismatch")
        self.assertIn(self.network.vip[V6], condition["message"])
        self.ask(V4, host).close()
        with Counting(self.agent) as counted:
            self.assertIsNone(self.ask(V6, host))
            self.assertEqual(counted["no_endpoint"], 1)
        self.agent.folder.write("backend-single", manifests.backend("single", self.addresses(0), PORT))
        eventually(lambda: not self.excluded("single"), "the condition goes")
        eventually(lambda: self.ask(V6, host), "the other family serves").close()

    def test_rule_06_clients_in_the_gateways_own_namespace_are_refused(self):
        """By the node's own stack: their packets come in at no interface."""
        for family in self.each_family():
            vip = f"{self.network.vip[family]}/{32 if family == V4 else 128}", "dev", "lo"
            ip("addr", "add", *vip, namespace="gw")
            self.addCleanup(ip, "addr", "del", *vip, namespace="gw")
            with Counting(self.agent) as counted:
                self.ask(family, host_of("b1")).close()
                with self.assertRaises(ConnectionRefusedError):
                    connect(self.gateway, self.target(family))
                self.assertEqual(counted["syn"], 1, "of the client elsewhere")

    def test_rule_06_nor_does_a_router_help_that_sends_their_packets_back(self):
        """The connection opens, but the endpoint's packets have no way into the gateway's own stack."""
        router = self.client
        for family in self.each_family():
            forwarding = "net.ipv4.ip_forward" if family == V4 else "net.ipv6.conf.all.forwarding"
            router.sysctl(forwarding, 1)
            self.addCleanup(router.sysctl, forwarding, 0)
            way = "default", "via", router.address[family]
            ip("route", "add", *way, namespace="gw")
            self.addCleanup(ip, "route", "del", *way, namespace="gw")
            with Counting(self.agent) as counted, connect(self.gateway, self.target(family)) as connection:
                connection.sendall(made(host_of("b1")))
                eventually(lambda: counted["fib_failed"], "the endpoint's answer is dropped")
                connection.setblocking(False)
                self.assertRaises(BlockingIOError, connection.recv, 1)

    # ---- 7, 8: endpoints that do not answer ----

    def test_rule_07_syn_on_a_flow_whose_endpoint_is_dead_opens_a_new_connection(self):
        for family in self.each_family():
            with closing(Station(self.network.backends[0], family, 88)) as endpoint, closing(Station(self.client, family)) as client:
                host = self.publish(f"dead-{family.name.lower().replace('_', '-')}", {f"dead{family.value}": [endpoint.address]})
                conversation = Conversation(client, self.target(family))
                conversation.open()
                conversation.push(made(host))
                self.answer(endpoint, self.syn_of(endpoint))
                endpoint.receive(lambda s: s.payload, what="hello at the endpoint")  # and from here on it is dead
                again = Conversation(client, self.target(family), port=conversation.port, isn=0x50000000)
                with Counting(self.agent) as counted:
                    def opened():
                        time.sleep(0.3)  # as a client's SYN timer would
                        client.send(again.segment(SYN, at=-1, options=again.options))
                        return any(s.flags == SYN | ACK and s.ack == again.isn + 1 for s in client.received())
                    eventually(opened, "SYN-ACK for the new connection")
                    self.assertEqual(counted["tuple_reused"], 1)

    @staticmethod
    def syn_of(endpoint):
        return endpoint.receive(lambda s: s.flags == SYN and s.destination_port == PORT, what="SYN to the endpoint")

    @staticmethod
    def answer(endpoint, syn):
        """A SYN-ACK of the endpoint."""
        endpoint.send(Segment(endpoint.address, syn.source, PORT, syn.source_port, 7000, syn.end, SYN | ACK, options=mss(1400)))

    def test_rule_08_late_answer_of_an_abandoned_endpoint_is_reset(self):
        for family in self.each_family():
            with closing(Station(self.network.backends[0], family, 89)) as silent:
                name = f"late{family.value}"
                host = self.publish(name, {name: [silent.address, self.network.backends[1].address[family]]})
                with Counting(self.agent) as counted:
                    for _ in range(40):
                        connection = self.ask(family, host)
                        self.assertIsNotNone(connection, "served by the other endpoint")
                        connection.close()
                        if counted["endpoint_timeout"]:
                            break
                    syn = self.syn_of(silent)
                    self.answer(silent, syn)
                    reset = silent.receive(lambda s: s.flags & RST, what="RST for the late answer")
                    self.assertEqual((reset.seq, reset.destination_port), (syn.end, PORT))

    def test_rule_08_another_backend_ref_never_takes_over(self):
        """The share of a backendRef whose endpoints all refuse is refused."""
        nobody = [self.network.backends[0].address[family] for family in FAMILIES]
        good = [self.network.backends[1].address[family] for family in FAMILIES]
        self.agent.folder.write("backend-nobody", manifests.backend("nobody", nobody, PORT + 1))
        host = self.publish("shares", {"good": good}, {"nobody": 1, "good": 1})
        for family in self.each_family():
            with Counting(self.agent) as counted:
                served = [self.ask(family, host) for _ in range(60)]
                refused = served.count(None)
                self.assertEqual(counted["endpoint_refused"], refused)
                self.assertGreater(refused, 0)
                self.assertLess(refused, 60)
                for connection in filter(None, served):
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

    def addresses(self, number):
        return [self.network.backends[number].address[family] for family in FAMILIES]


if __name__ == "__main__":
    main()
