# SPDX-License-Identifier: Apache-2.0
"""How connections end: half-close and RST both ways, simultaneous close, a server in a hurry, a reader that stops."""

import hashlib
import threading
import time

from harness import Case, eventually, host_of, main
from harness.clients import connect, tls
from harness.hello import real
from harness.nginx import PORT as BACKEND_PORT
from harness.servers import Server, over_tls, read_exactly, read_to_end, reset
from harness.topology import V6

HELLO = real(host_of("b1"))
MEBIBYTE = hashlib.sha256(b"block").digest() * (1 << 15)


class ClosingDirect(Case):
    direct = True
    nginx = False
    backends = 1
    flags = ("--closing-time", "1s")

    def serve(self, handler):
        """b1 reads the hello, answers with a dot, then does what the test says."""
        def whole(connection):
            self.assertEqual(read_exactly(connection, len(HELLO)), HELLO)
            connection.sendall(b".")
            handler(connection)

        return self.start(whole)

    def start(self, handler):
        server = Server(self.network.backends[0], BACKEND_PORT, handler)
        self.addCleanup(server.close)
        return server

    def serve_tls(self, handler):
        """The same inside TLS: b1 answers with the byte that it got."""
        def whole(session):
            session.sendall(session.recv(1))
            handler(session)

        return self.start(over_tls(self.certificates["b1"], whole))

    def open(self, family, **options):
        connection = connect(self.client, self.target(family), **options)
        self.addCleanup(connection.close)
        connection.sendall(HELLO)
        self.assertEqual(connection.recv(1), b".")
        return connection

    def open_tls(self, family, **options):
        """To a server of serve_tls(), whose certificate is verified."""
        session = tls(self.client, self.target(family), host_of("b1"), [self.certificates["b1"]], **options)
        self.addCleanup(session.close)
        session.sendall(b"?")
        self.assertEqual(session.recv(1), b"?")
        return session

    def no_sockets_left(self, *hosts):
        for host in hosts:
            def states():
                # An end of an orderly close waits in TIME-WAIT; nothing may wait for the other side.
                return host.run("ss", "-Htan", "state", "connected", "exclude", "time-wait").stdout
            eventually(lambda: not states(), f"connections of {host} gone, not\n{states()}")

    def ended(self, reason, count):
        """
        The access log has `count` lines with that reason (none in the control). Each test ends with this or waits for its
        lines in another way: the next one counts from there.
        """

    def test_half_close_by_the_client(self):
        def handler(connection):
            received = read_to_end(connection)  # FIN of the client
            connection.sendall(hashlib.sha256(received).digest() + MEBIBYTE)

        server = self.serve(handler)
        for family in self.each_family():
            connection = self.open(family)
            connection.sendall(MEBIBYTE)
            connection.shutdown(1)
            self.assertEqual(read_to_end(connection), hashlib.sha256(MEBIBYTE).digest() + MEBIBYTE)
            connection.close()
        self.assertEqual(server.failures, [])
        self.no_sockets_left(self.client, self.network.backends[0])
        self.ended("fin", 2)

    def test_half_close_by_the_server(self):
        received = []

        def handler(connection):
            connection.sendall(MEBIBYTE)
            connection.shutdown(1)
            received.append(read_to_end(connection))

        server = self.serve(handler)
        for family in self.each_family():
            connection = self.open(family)
            self.assertEqual(read_to_end(connection), MEBIBYTE)
            connection.sendall(MEBIBYTE)
            connection.close()
            eventually(lambda: received, "server got the data sent after its FIN")
            self.assertEqual(received.pop(), MEBIBYTE)
        self.assertEqual(server.failures, [])
        self.no_sockets_left(self.client, self.network.backends[0])
        self.ended("fin", 2)

    def test_reset_by_the_client(self):
        ends = []

        def handler(connection):
            try:
                ends.append(connection.recv(1))
            except ConnectionResetError:
                ends.append("reset")

        self.serve(handler)
        for family in self.each_family():
            reset(self.open(family))
            eventually(lambda: ends, "server sees the end")
            self.assertEqual(ends.pop(), "reset")
        self.no_sockets_left(self.client, self.network.backends[0])
        self.ended("client_rst", 2)

    def test_reset_by_the_server(self):
        self.serve(reset)
        for family in self.each_family():
            with self.assertRaises(ConnectionResetError):
                self.open(family).recv(1)
        self.no_sockets_left(self.client, self.network.backends[0])
        self.ended("endpoint_rst", 2)

    def test_simultaneous_close(self):
        both = threading.Barrier(2)

        def handler(connection):
            both.wait(60)
            connection.shutdown(1)
            self.assertEqual(read_to_end(connection), b"")

        server = self.serve(handler)
        for family in self.each_family():
            for _ in range(20):
                connection = self.open(family)
                both.wait(60)
                connection.shutdown(1)
                self.assertEqual(read_to_end(connection), b"")
                connection.close()
        self.assertEqual(server.failures, [])
        self.no_sockets_left(self.client, self.network.backends[0])
        self.ended("fin", 40)

    def test_server_closes_at_once_after_64_mib(self):
        server = self.serve_tls(lambda session: session.sendall(MEBIBYTE * 64))
        for family in self.each_family():
            with self.open_tls(family) as session:
                self.assertTrue(read_to_end(session) == MEBIBYTE * 64, "all that was sent, in order")
        self.assertEqual(server.failures, [])
        self.ended("fin", 2)

    def test_reader_that_stops_for_10_seconds(self):
        """The server fills the window and waits; nothing is lost, nothing is buffered between."""
        sent = []

        def handler(session):
            for _ in range(64):
                session.sendall(MEBIBYTE)
                sent.append(1)

        server = self.serve_tls(handler)
        sessions = [self.open_tls(family, receive_buffer=1 << 18) for family in self.each_family()]
        time.sleep(10)  # what is tested, not a guess
        self.assertLess(len(sent), 64, "both servers are held back")
        for session in sessions:
            self.assertTrue(read_to_end(session) == MEBIBYTE * 64, "all that was sent, in order")
            session.close()
        self.assertEqual(server.failures, [])
        self.ended("fin", 2)

    def test_connect_then_close_leaves_nothing(self):
        """The TCP health check of a load balancer."""
        self.serve(lambda connection: None)
        for family in self.each_family():
            for _ in range(20):
                connect(self.client, self.target(family)).close()
        self.no_sockets_left(self.client)
        self.ended("closed_before_hello", 40)


class Closing(ClosingDirect):
    direct = False

    def setUp(self):
        eventually(lambda: not self.agent.flows(), "flows of other tests are collected")
        self.lines = len(self.agent.access_log())

    def tearDown(self):
        eventually(lambda: not self.agent.flows(), "closed flows are collected")

    def ended(self, reason, count):
        def reasons():
            return [line["reason"] for line in self.agent.access_log(self.lines)]
        eventually(lambda: reasons() == [reason] * count, f"{count} lines with reason={reason}, not {reasons()}")

    def test_connect_then_close_leaves_nothing(self):
        before = self.agent.counters()["closed_before_hello"]
        super().test_connect_then_close_leaves_nothing()
        self.assertEqual(self.agent.counters()["closed_before_hello"] - before, 40)

    def source_of(self, family, client_port):
        """What the endpoint sees: an address and the beginning of a port."""
        return self.network.backends[0].gateway_address[family], ""

    def test_access_log_line_tells_who_what_and_how_much(self):
        self.serve(lambda connection: connection.sendall(MEBIBYTE))
        for family in self.each_family():
            connection = self.open(family)
            client_port = connection.getsockname()[1]
            self.assertEqual(len(read_to_end(connection)), len(MEBIBYTE))
            connection.close()

            def text(address, port):
                return f"[{address}]:{port}" if family == V6 else f"{address}:{port}"
            client = text(self.client.address[family], client_port)
            line = eventually(lambda: self.agent.access_log(self.lines, client=client), f"line of {client}")[0]
            wanted = {"event": "closed", "vip": text(*self.target(family)), "sni": "b1.example.com", "route": "default/b1",
                      "endpoint": text(self.network.backends[0].address[family], BACKEND_PORT), "reason": "fin"}
            self.assertEqual({key: line.get(key) for key in wanted}, wanted)
            self.assertTrue(line["source"].startswith(text(*self.source_of(family, client_port))), line)
            self.assertEqual(int(line["bytes_up"]), len(HELLO))
            self.assertGreaterEqual(int(line["bytes_down"]), len(MEBIBYTE) + 1)
            self.assertGreaterEqual(float(line["duration"]), 0)


if __name__ == "__main__":
    main()
