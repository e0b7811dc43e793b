# SPDX-License-Identifier: Apache-2.0
"""Rules of endpoints: which are never chosen, and what comes of those that do not answer."""

import time
from contextlib import ExitStack, closing

from harness import FAMILIES, V4, V6, Counting, eventually, host_of, main, manifests
from harness.clients import connect
from harness.hello import made
from harness.namespace import ip
from harness.nginx import PORT
from harness.packets import ACK, PSH, RST, SYN
from harness.station import Conversation, Station
from routed import RoutedCase


class RulesOfEndpoints(RoutedCase):
    # ---- 6: addresses that are never endpoints ----

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
        """By the agent's listening socket: their packets come in at no interface."""
        for family in self.each_family():
            vip = f"{self.network.vip[family]}/{32 if family == V4 else 128}", "dev", "lo"
            ip("addr", "add", *vip, namespace="gw")
            self.addCleanup(ip, "addr", "del", *vip, namespace="gw")
            with Counting(self.agent) as counted:
                self.ask(family, host_of("b1")).close()
                with self.assertRaises(ConnectionResetError), connect(self.gateway, self.target(family)) as connection:
                    connection.recv(1)
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
                endpoint.answer(endpoint.syn(PORT))
                endpoint.receive(lambda s: s.payload, what="hello at the endpoint")  # and from here on it is dead
                again = Conversation(client, self.target(family), port=conversation.port, isn=0x50000000)
                with Counting(self.agent) as counted:
                    def opened():
                        time.sleep(0.3)  # as a client's SYN timer would
                        client.send(again.segment(SYN, at=-1, options=again.options))
                        return any(s.flags == SYN | ACK and s.ack == again.isn + 1 for s in client.received())
                    eventually(opened, "SYN-ACK for the new connection")
                    self.assertEqual(counted["tuple_reused"], 1)

    def test_rule_08_slow_endpoint_is_not_abandoned_for_retransmissions(self):
        """However often the client repeats its hello before the timeout, the same endpoint is asked, and serves at last."""
        self.restart("--connect-timeout", "60s")
        for family in self.each_family():
            with ExitStack() as stack:
                client, *endpoints = (stack.enter_context(closing(Station(host, family, 90)))
                                      for host in (self.client, *self.network.backends))
                host = self.publish(f"slow{family.value}", {f"slow{family.value}": [endpoint.address for endpoint in endpoints]})
                conversation, hello, syns = Conversation(client, self.target(family)), made(host), []
                conversation.open()
                with Counting(self.agent) as counted:
                    for _ in range(6):
                        conversation.send(ACK | PSH, hello, at=0)

                    def asked():
                        for endpoint in endpoints:
                            syns.extend((endpoint, s) for s in endpoint.received() if s.flags == SYN)
                        return len(syns) == 6
                    eventually(asked, "a SYN for each hello")
                    self.assertEqual(len({(endpoint, s.source_port, s.seq) for endpoint, s in syns}), 1, "of one connection")
                    self.assertEqual((counted["endpoint_timeout"], counted["endpoint_retry"]), (0, 0))
                endpoint, syn = syns[0]
                endpoint.answer(syn)
                self.assertEqual(endpoint.receive(lambda s: s.payload, what="hello").payload, hello)

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
                    syn = silent.syn(PORT)
                    silent.answer(syn)
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


if __name__ == "__main__":
    main()
