# SPDX-License-Identifier: Apache-2.0
"""Routes, weights and endpoints change under 200 live connections: none is cut, new ones follow the change."""

from harness import FAMILIES, Case, eventually, main, manifests
from harness.clients import connect
from harness.hello import made
from harness.nginx import PORT
from harness.servers import Server, read_exactly

LIVE = 200
NAME, OTHER = "change.example.com", "moved1.example.com"  # of one length: the servers read a hello of that length


class Change(Case):
    nginx = False
    backends = 3

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for backend in cls.network.backends:
            def handler(connection, answer=backend.name.encode()):
                """Names itself once for the hello, then for each byte."""
                read_exactly(connection, len(made(NAME)))
                connection.sendall(answer)
                while connection.recv(1):
                    connection.sendall(answer)
            cls.addClassCleanup(Server(backend, PORT, handler).close)

    def setUp(self):
        self.publish("route", [manifests.tls_route("change", [NAME], {"b1": 1, "b2": 1})])
        eventually(lambda: {self.ask() for _ in range(20)} == {"b1", "b2"}, "the route of the test serves")
        self.live = []  # (connection, name of its backend)
        for number in range(LIVE):
            connection = self.open(FAMILIES[number % 2])
            self.live.append((connection, connection.recv(2)))
            self.addCleanup(connection.close)

    def tearDown(self):
        for connection, backend in self.live:
            connection.sendall(b".")
            self.assertEqual(connection.recv(2), backend, "a connection stays where it is")
        self.assertEqual({backend for _, backend in self.live}, {b"b1", b"b2"})

    def publish(self, file, objects):
        self.agent.folder.write(file, objects)

    def open(self, family, name=NAME):
        connection = connect(self.client, self.target(family))
        connection.sendall(made(name))
        return connection

    def ask(self, family=FAMILIES[0], name=NAME):
        try:
            with self.open(family, name) as connection:
                return connection.recv(2).decode()
        except ConnectionResetError:
            return "refused"
        except OSError as error:  # without a VIP the gateway's stack answers
            return error.strerror

    def becomes(self, wanted, what, name=NAME):
        """New connections of both families end at exactly these backends."""
        for family in FAMILIES:
            eventually(lambda: {self.ask(family, name) for _ in range(30)} == wanted, what)

    def test_weight_changed(self):
        self.publish("route", [manifests.tls_route("change", [NAME], {"b1": 0, "b2": 1})])
        self.becomes({"b2"}, "only b2 gets new connections")

    def test_mistake_saved_into_a_manifest(self):
        status = self.agent.status_dir / "tlsroute_default_change.yaml"
        self.publish("route", [manifests.tls_route("change", [NAME], {"b2": 1, "b3": -1})])
        eventually(lambda: status.exists() and "reason: Refused" in status.read_text(), "the status names the mistake")
        self.assertIn("spec.rules[0].backendRefs[1].weight: Invalid value: -1: must be between 0 and 1000000", status.read_text())
        self.becomes({"b1", "b2"}, "the last version without fault serves")
        self.publish("route", [manifests.tls_route("change", [NAME], {"b3": 1})])
        self.becomes({"b3"}, "what mends it takes effect")
        eventually(lambda: "Refused" not in status.read_text(), "the status is clean again")

    def test_backend_ref_replaced(self):
        self.publish("route", [manifests.tls_route("change", [NAME], {"b3": 1})])
        self.becomes({"b3"}, "only b3 gets new connections")

    def test_endpoint_removed_and_added(self):
        self.addCleanup(self.write_backend, "b1", self.network.backends[:1])
        self.write_backend("b1", self.network.backends[2:])
        self.becomes({"b2", "b3"}, "b3 in the place of b1")

    def test_route_renamed_to_another_hostname(self):
        self.publish("route", [manifests.tls_route("change", [OTHER], {"b3": 1})])
        self.becomes({"refused"}, "the old name is refused")
        self.becomes({"b3"}, "the new name is served", OTHER)

    def test_route_removed(self):
        self.agent.folder.remove("route")
        self.becomes({"refused"}, "the name is refused")

    def test_gateway_removed(self):
        objects = [manifests.gateway_class(), manifests.gateway(self.network.vip.values())]
        self.addCleanup(self.publish, "gateway", objects)
        self.publish("gateway", objects[:1])
        eventually(lambda: self.agent.dump("vips") == [], "no VIP is left")


if __name__ == "__main__":
    main()
