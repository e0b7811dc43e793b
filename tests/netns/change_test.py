# SPDX-License-Identifier: Apache-2.0
"""Routes, weights, endpoints and grants change under 200 live TLS connections: none is cut, new ones follow the change."""

from harness import FAMILIES, Case, Counting, eventually, main, manifests
from harness.clients import connect, peer_name, tls_context
from harness.servers import read_exactly

LIVE = 200
NAME, OTHER = "change.wild.example.com", "moved.wild.example.com"  # every backend has a certificate for them


class Change(Case):
    tls_echo = True
    backends = 3

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.context = tls_context(cls.certificates.values())

    def setUp(self):
        self.publish("route", [manifests.tls_route("change", [NAME], {"b1": 1, "b2": 1})])
        eventually(lambda: {self.ask() for _ in range(20)} == {"b1", "b2"}, "the route of the test serves")
        self.live = [self.open(FAMILIES[number % 2]) for number in range(LIVE)]
        for session in self.live:
            self.addCleanup(session.close)
        self.assertEqual({peer_name(session) for session in self.live}, {"b1", "b2"})

    def tearDown(self):
        """Only the backend that has a session's keys can send back what was sent in it."""
        for number, session in enumerate(self.live):
            self.assert_echoes(session, f"connection {number}".encode())

    def assert_echoes(self, session, data):
        session.sendall(data)
        self.assertEqual(read_exactly(session, len(data)), data)

    def publish(self, file, objects):
        self.agent.folder.write(file, objects)

    def open(self, family, name=NAME):
        """A TLS session; its certificate is verified, and data has gone both ways."""
        session = self.context.wrap_socket(connect(self.client, self.target(family)), server_hostname=name)
        self.assert_echoes(session, b"first")
        return session

    def ask(self, family=FAMILIES[0], name=NAME):
        try:
            with self.open(family, name) as session:
                return peer_name(session)
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

    def test_reference_grant_removed_and_added(self):
        """A Service of another namespace serves while its grant is there; without it its share is refused, not given to b1."""
        addresses = [self.network.backends[2].address[family] for family in FAMILIES]
        self.publish("elsewhere", manifests.backend("b3", addresses, namespace="elsewhere"))
        self.addCleanup(self.agent.folder.remove, "elsewhere")
        grant = [manifests.reference_grant("elsewhere")]
        self.publish("grant", grant)
        self.addCleanup(self.agent.folder.remove, "grant")
        self.publish("route", [manifests.tls_route("change", [NAME], {"b1": 1, "elsewhere/b3": 1})])
        self.becomes({"b1", "b3"}, "b3 serves by its grant")
        self.live += self.granted()

        self.agent.folder.remove("grant")
        with Counting(self.agent) as counted:
            self.becomes({"b1", "refused"}, "the share of b3 is refused")
            self.assertGreater(counted["no_backend"], 0)
        eventually(lambda: self.agent.access_log(event="refused", reason="no_backend", sni=NAME), "the log names the reason")
        self.publish("grant", grant)
        self.becomes({"b1", "b3"}, "b3 serves again")

    def granted(self):
        """A live connection of each family to b3."""
        for family in FAMILIES:
            session = self.open(family)
            while peer_name(session) != "b3":
                session.close()
                session = self.open(family)
            self.addCleanup(session.close)
            yield session

    def test_gateway_removed(self):
        objects = [manifests.gateway_class(), manifests.gateway(self.network.vip.values())]
        self.addCleanup(self.publish, "gateway", objects)
        self.publish("gateway", objects[:1])
        eventually(lambda: self.agent.dump("vips") == [], "no VIP is left")


if __name__ == "__main__":
    main()
