# SPDX-License-Identifier: Apache-2.0
"""Whose address an endpoint sees: by its node or network, by the Gateway's source mode, and after a change of it."""

import bulk_test
import closing_test
import opening_test
from harness import FAMILIES, Counting, eventually, main
from harness.nginx import PORT
from harness.servers import Server, reset
from preserving import HERE, Preserving, teller


class Preserve(Preserving):
    def gateway_address(self, family, backend):
        return self.network.backends[backend - 1].gateway_address[family]

    def sees_client(self, family, name, **options):
        told, client = self.ask(family, name, **options)
        self.assertEqual(told, (name, *client))

    def sees_gateway(self, family, backend, **options):
        name, address, port = self.ask(family, f"b{backend}", **options)[0]
        self.assertEqual((name, address), (f"b{backend}", self.gateway_address(family, backend)))
        self.assertIn(port, range(61000, 65536))

    # ---- by endpoint ----

    def test_endpoint_of_this_node_sees_the_client(self):
        for family in self.each_family():
            with Counting(self.agent) as counted:
                self.sees_client(family, "b1")
                self.assertEqual((counted["preserve"], counted["preserve_fallback"], counted["established"]), (1, 0, 1))

    def test_endpoint_of_another_node_sees_the_gateway(self):
        for family in self.each_family():
            with Counting(self.agent) as counted:
                self.sees_gateway(family, 2)
                self.assertEqual((counted["preserve"], counted["preserve_fallback"], counted["established"]), (0, 0, 1))

    def test_endpoint_of_a_declared_network_sees_the_client(self):
        for family in self.each_family():
            self.sees_client(family, "b3")

    def test_endpoints_of_one_service_see_each_its_own(self):
        for family in self.each_family():
            answered = set()
            for _ in range(60):
                (name, address, port), client = self.ask(family, "all")
                answered.add(name)
                if name == "b2":
                    self.assertEqual(address, self.gateway_address(family, 2))
                else:
                    self.assertEqual((address, port), client)
            self.assertEqual(answered, {"b1", "b2", "b3"}, "all of them are candidates")

    def test_client_that_is_its_own_endpoint_is_seen_as_the_gateway(self):
        for family in self.each_family():
            with Counting(self.agent) as counted:
                self.sees_gateway(family, 1, client=self.network.backends[0])
                self.assertEqual(counted["preserve_fallback"], 1)

    def test_access_log_names_the_client_as_source(self):
        for family in self.each_family():
            (_, address, port), _ = self.ask(family, "b1")
            client = self.text(address, port)
            line = eventually(lambda: self.agent.access_log(client=client), "the line")[0]
            self.assertEqual((line["source"], line["route"], line["reason"]), (client, "default/b1", "fin"))

    # ---- by Gateway ----

    def test_gateway_annotated_snat(self):
        for family in self.each_family():
            self.sees_gateway(family, 1, gateway="plain")
            self.sees_client(family, "b1")
        self.assertIn("slipgate.dev/SourceMode", self.status("gateway_default_plain"))
        self.assertIn("Snat", self.status("gateway_default_plain"))

    def test_gateway_annotated_preserve_only_leaves_the_others_out(self):
        for family in self.each_family():
            names = set()
            for _ in range(40):
                (name, *seen), client = self.ask(family, "all", gateway="strict")
                self.assertEqual(tuple(seen), client)
                names.add(name)
            self.assertEqual(names, {"b1", "b3"})
            with Counting(self.agent) as counted:
                self.assertIsNone(self.ask(family, "b2", gateway="strict")[0], "refused")
                self.assertEqual(counted["no_endpoint"], 1)
            self.assertIn(f"{self.network.backends[1].address[family]}", self.status("tlsroute_default_b2"))
        self.assertEqual(self.agent.metric('slipgate_excluded_endpoints{reason="AnswersElsewhere"}'), 2 * len(FAMILIES),
                         "b2 in the Services b2 and all")
        self.assertIn("PreserveOnly", self.status("gateway_default_strict"))

    def test_bad_annotation_is_named_and_the_agents_mode_used(self):
        self.addCleanup(self.write_gateway, "second", "preserve")
        self.write_gateway("second", "transparent")
        eventually(lambda: "InvalidValue" in self.status("gateway_default_second"), "the condition")
        self.assertIn("transparent", self.status("gateway_default_second"))
        for family in self.each_family():
            self.sees_client(family, "b1", gateway="second")

    # ---- change ----

    def test_mode_changes_under_live_connections(self):
        def gateway_is(mode, told):
            self.write_gateway("gateway", mode)
            for family in FAMILIES:
                eventually(lambda: told(family, *self.ask(family, "b1")), f"new connections after the change to {mode}")

        def by_client(_family, told, client):
            return told == ("b1", *client)

        def by_gateway(family, told, _client):
            return told[1] == self.gateway_address(family, 1)

        self.addCleanup(gateway_is, None, by_client)
        live = [self.open(family, "all") for family in FAMILIES for _ in range(20)]
        before = [self.told(connection) for connection in live]
        for mode, told in ("snat", by_gateway), ("preserve-only", by_client), ("snat", by_gateway):
            gateway_is(mode, told)
        for connection, seen in zip(live, before):
            self.assert_alive(connection, str(seen).encode())

    def test_agent_restarts_and_adopts(self):
        live = [self.open(family, "b1") for family in FAMILIES for _ in range(10)]
        before = [self.told(connection) for connection in live]
        tables = self.agent.tables()
        self.agent.kill()
        for family in self.each_family():
            self.sees_client(family, "b1")
        self.agent.start()
        self.assertEqual(self.agent.tables(), tables, "nothing was written")
        for connection, seen in zip(live, before):
            self.assertEqual(seen[1:], connection.getsockname()[:2])
            self.assert_alive(connection)
        for family in self.each_family():
            self.sees_client(family, "b1")

    # ---- endpoints that refuse ----

    def test_refusing_endpoint_is_followed_by_another(self):
        b1, _, b3 = self.network.backends
        server = Server(b3, PORT + 1, teller("b3"))
        self.addCleanup(server.close)
        for family in self.each_family():
            self.publish(f"refusing{family.value}", [host.address[family] for host in (b1, b3)], PORT + 1)
            with Counting(self.agent) as counted:
                for _ in range(20):
                    told, client = self.ask(family, f"refusing{family.value}")
                    self.assertEqual(told, ("b3", *client))
                self.assertGreater(counted["endpoint_rst"], 0)
                self.assertEqual(counted["endpoint_rst"], counted["endpoint_retry"])

    def test_connection_ended_by_reset(self):
        for family in self.each_family():
            connection = self.open(family, "b1")
            self.told(connection)
            with Counting(self.agent) as counted:
                client = connection.getsockname()
                reset(connection)
                eventually(lambda: [l for l in self.agent.access_log(reason="client_rst") if l["client"].endswith(f":{client[1]}")],
                           "the end in the log")
                self.assertEqual(counted["preserve_foreign"], 0)


class _AllHere:
    """Every backend is on the gateway's node, and only the client's address will do."""

    nodes = {"b1": HERE, "b2": HERE}

    @classmethod
    def setUpClass(cls):
        cls.flags = (*cls.flags, "--source-mode", "preserve-only", "--node-name", HERE)
        super().setUpClass()

    @classmethod
    def tearDownClass(cls):
        counters = cls.agent.counters()
        assert counters["preserve"] >= counters["established"] > 0, counters
        super().tearDownClass()


class PreserveClosing(_AllHere, closing_test.Closing):
    def source_of(self, family, client_port):
        return self.client.address[family], client_port


class PreserveBulk(_AllHere, bulk_test.Bulk):
    size = 64 << 20


class PreserveOpening(_AllHere, opening_test.Opening):
    pass


if __name__ == "__main__":
    main()
