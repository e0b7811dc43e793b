# SPDX-License-Identifier: Apache-2.0
"""Connections that cannot be served are closed with a RST, counted by reason and told in the access log."""

from concurrent.futures import ThreadPoolExecutor

from harness import FAMILIES, V4, V6, Case, Counting, eventually, host_of, main, manifests
from harness.clients import connect
from harness.hello import made, real
from harness.nginx import PORT
from harness.servers import Server, echo

CONNECTIONS = 40


class Refusals(Case):
    echo = True
    clients = 1
    flags = ("--closing-time", "1s", "--connect-timeout", "500ms")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.network.wire_like()

    def refused(self, first_bytes, reason, sni="", route=""):
        """Sending these bytes draws a RST, one count of `reason`, one line in the log; established connections: none."""
        for family in self.each_family():
            earlier = len(self.agent.access_log())  # of connections that had the same port, perhaps
            with Counting(self.agent) as counted, connect(self.client, self.target(family)) as connection:
                host, port, *_ = connection.getsockname()
                client = f"[{host}]:{port}" if family == V6 else f"{host}:{port}"
                with self.assertRaises(ConnectionResetError):
                    connection.sendall(first_bytes)
                    connection.recv(1)
                line, = eventually(lambda: self.agent.access_log(earlier, client=client), f"line of {client}")
                self.assertEqual((line["event"], line["reason"], line.get("sni", ""), line.get("route", "")),
                                 ("refused", reason, sni, route))
                self.assertEqual(counted[reason], 1)
                self.assertEqual(counted["established"], 0)

    def test_unknown_server_name(self):
        self.refused(real("unknown.example.org"), "no_route", "unknown.example.org")

    def test_no_server_name(self):
        self.refused(made(), "no_sni")

    def test_server_name_is_an_ip_address(self):
        self.refused(made("192.0.2.7"), "sni_ip_literal", "192.0.2.7")

    def test_server_name_is_no_host_name(self):
        self.refused(made("a..example.com"), "sni_invalid", "a..example.com")

    def test_plain_http(self):
        self.refused(b"GET / HTTP/1.1\r\nHost: b1.example.com\r\n\r\n", "not_tls")

    def test_hello_of_several_records(self):
        self.refused(made(host_of("b1"), before=200, records=2), "hello_unsupported")

    def test_hello_with_impossible_lengths(self):
        hello = bytearray(made(host_of("b1")))
        hello[5 + 4 + 2 + 32] = 200  # session identifier longer than the message
        self.refused(bytes(hello), "hello_malformed")

    def test_server_name_beyond_8_kib(self):
        self.refused(made(host_of("b1"), before=9000), "hello_too_big")

    def test_hello_that_never_completes(self):
        self.refused(made(host_of("b1"), before=300)[:200], "hello_stalled")

    def test_service_without_endpoints(self):
        self.publish("empty", "empty.example.com", {"empty": 1}, {"empty": []})
        self.refused(made("empty.example.com"), "no_endpoint", "empty.example.com", "default/empty")

    def test_weights_all_zero(self):
        self.publish("zero", "zero.example.com", {"b1": 0}, {})
        self.refused(made("zero.example.com"), "no_backend", "zero.example.com", "default/zero")

    def test_endpoint_of_the_other_family_is_no_candidate(self):
        four = [self.network.backends[0].address[V4]]
        self.publish("four", "four.example.com", {"four": 1}, {"four": four})
        self.assertEqual(self.answers(V4, "four.example.com"), [True] * CONNECTIONS)
        with Counting(self.agent) as counted:
            self.assertEqual(self.answers(V6, "four.example.com"), [False] * CONNECTIONS)
            self.assertEqual(counted["no_endpoint"], CONNECTIONS)

    def test_every_endpoint_refuses(self):
        hosts = {"closed": self.addresses(0) + self.addresses(1)}
        self.publish("closed", "closed.example.com", {"closed": 1}, hosts, PORT + 1)
        self.refused(made("closed.example.com"), "endpoint_refused", "closed.example.com", "default/closed")

    def test_endpoint_refuses_and_the_next_of_the_same_backend_ref_serves(self):
        """b1 listens on one port only; the other Service port leads to nothing there."""
        server = Server(self.network.backends[1], PORT + 2, echo)
        self.addCleanup(server.close)
        self.publish("half", "half.example.com", {"half": 1}, {"half": self.addresses(0) + self.addresses(1)}, PORT + 2)
        for family in self.each_family():
            with Counting(self.agent) as counted:
                self.assertEqual(self.answers(family, "half.example.com"), [True] * CONNECTIONS)
                self.assertGreater(counted["endpoint_rst"], 0)
                self.assertEqual(counted["endpoint_rst"], counted["endpoint_retry"])
                self.assertEqual(counted["endpoint_timeout"], 0)

    def test_endpoint_silent_and_the_next_of_the_same_backend_ref_serves(self):
        """After connect-timeout the client's own retransmission moves the connection to another endpoint."""
        silent = []
        for family in FAMILIES:
            backend = self.network.backends[0]
            address = backend.address[family][:-1] + "99"  # nobody answers there, but its neighbour entry is known
            self.gateway.run("ip", "neigh", "replace", address, "lladdr", backend.mac, "dev", backend.port, "nud", "permanent")
            silent.append(address)
        self.publish("mute", "mute.example.com", {"mute": 1}, {"mute": silent + self.addresses(1)})
        for family in self.each_family():
            with Counting(self.agent) as counted:
                self.assertEqual(self.answers(family, "mute.example.com"), [True] * CONNECTIONS)
                self.assertGreater(counted["endpoint_timeout"], 0)

    def test_endpoint_unreachable_by_icmp_and_the_next_of_the_same_backend_ref_serves(self):
        """b1 answers the SYN with ICMP "administratively prohibited": the next endpoint is asked at once, not after the timeout."""
        port = PORT + 3
        server = Server(self.network.backends[1], port, echo)
        self.addCleanup(server.close)
        refusing = self.network.backends[0]
        self.addCleanup(refusing.run, "nft", "delete", "table", "inet", "refuse")
        refusing.run("sysctl", "-qw", "net.ipv4.icmp_ratelimit=0", "net.ipv6.icmp.ratelimit=0")  # an answer for each SYN
        refusing.run("nft", "add table inet refuse; add chain inet refuse input { type filter hook input priority 0; };"
                     f" add rule inet refuse input tcp dport {port} reject with icmpx admin-prohibited")
        self.publish("shut", "shut.example.com", {"shut": 1}, {"shut": self.addresses(0) + self.addresses(1)}, port)
        for family in self.each_family():
            with Counting(self.agent) as counted:
                self.assertEqual(self.answers(family, "shut.example.com"), [True] * CONNECTIONS)
                self.assertGreater(counted["endpoint_rst"], 0)
                self.assertEqual(counted["endpoint_rst"], counted["endpoint_retry"])
                self.assertEqual(counted["endpoint_timeout"], 0)

    def addresses(self, number):
        return [self.network.backends[number].address[family] for family in FAMILIES]

    def publish(self, name, host, weights, backends, port=PORT):
        """A route and its backends; in the maps when this returns."""
        for backend, addresses in backends.items():
            self.agent.folder.write(f"backend-{backend}", manifests.backend(backend, addresses, port))
        self.agent.folder.write(f"route-{name}", [manifests.tls_route(name, [host], weights)])
        eventually(lambda: any(e["value"]["hostname"] == host for e in self.agent.dump("names")), f"{host} in the maps")
        def published():
            found = {e["value"]["text"] for e in self.agent.dump("backend_names")}
            return all(f"default/{backend}:443" in found for backend in backends)
        eventually(published, "its backends in the maps")

    def answers(self, family, name, count=CONNECTIONS):
        """For each of `count` connections: was it served?"""
        hello = made(name)

        def ask(_):
            with connect(self.client, self.target(family)) as connection:
                try:
                    connection.sendall(hello)
                    return connection.recv(len(hello)) == hello
                except ConnectionResetError:
                    return False

        with ThreadPoolExecutor(count) as pool:
            return list(pool.map(ask, range(count)))


if __name__ == "__main__":
    main()
