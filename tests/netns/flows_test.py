# SPDX-License-Identifier: Apache-2.0
"""The life of flow entries: idle and closing time, ports and tuples used again, tables and port ranges that are full."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress

from harness import V4, Case, Counting, eventually, host_of, main, manifests
from harness.clients import connect
from harness.hello import made
from harness.nginx import PORT
from harness.servers import Server


class Flows(Case):
    echo = True
    flags = ("--closing-time", "1s")

    def restart(self, *flags):
        """With these flags instead of the usual ones, and empty maps, until the end of the test."""
        def again(chosen):
            self.agent.close()
            self.agent.flags = chosen
            self.agent.start()
        self.addCleanup(again, self.flags)
        again(flags)

    def open(self, family, backend="b1", **options):
        """A connection that has echoed its hello, None if it was refused: by a RST."""
        connection = connect(self.client, self.target(family), **options)
        with suppress(ConnectionResetError):
            connection.sendall(made(host_of(backend)))
            self.assertTrue(connection.recv(4096), "closed without a word")
            self.addCleanup(connection.close)
            return connection
        connection.close()
        return None

    def lives(self, connection):
        connection.sendall(b"alive?")
        self.assertEqual(connection.recv(6), b"alive?")

    @contextmanager
    def kept_busy(self, connection):
        """It speaks a few times a second, whatever the test does."""
        over = threading.Event()

        def speak():
            while not over.wait(0.2):
                self.lives(connection)

        with ThreadPoolExecutor(1) as pool:
            spoken = pool.submit(speak)
            try:
                yield
            finally:
                over.set()
            spoken.result()

    def reason(self, connection):
        """How the access log says this connection ended."""
        port = connection.getsockname()[1]
        found = eventually(lambda: [line for line in self.agent.access_log() if line["client"].endswith(f":{port}")], "line in the log")
        return found[0]["reason"]

    def test_idle_connection_is_forgotten_and_a_busy_one_is_not(self):
        self.restart("--idle-timeout", "3s")
        for family in self.each_family():
            idle, busy = self.open(family), self.open(family)
            with self.kept_busy(busy):
                eventually(lambda: len(self.agent.flows()) == 2, "two entries are left")
            self.lives(busy)
            self.assertEqual(self.reason(idle), "idle")
            with self.assertRaises(ConnectionResetError):  # the next packet belongs to nothing
                idle.sendall(b"alive?")
                idle.recv(6)
            busy.close()
            eventually(lambda: not self.agent.flows(), "no entries")

    def test_tuple_used_again_while_the_collector_looks_at_it_lives(self):
        """Entries become due a second after the close and are looked at each second; new connections come all the time."""
        for family in self.each_family():
            ports = range(32000, 32150)
            any_address = "0.0.0.0" if family == V4 else "::"
            for port in ports:
                self.open(family, source=(any_address, port)).close()
            time.sleep(0.9)
            connections = []
            for port in ports:
                connections.append(self.open(family, source=(any_address, port)))
                time.sleep(0.01)
            self.assertNotIn(None, connections)
            time.sleep(2.5)  # the collector passes twice
            for connection in connections:
                self.lives(connection)
                connection.close()

    def test_source_port_whose_old_connection_waits_at_the_endpoint(self):
        """The endpoint closes first, so TIME-WAIT is at its side; four ports are used over and over (RFC 6191)."""
        self.restart("--source-ports", "61000-61003", "--closing-time", "1s")
        backend = self.network.backends[0]
        server = Server(backend, PORT + 1, lambda connection: connection.sendall(connection.recv(4096)))
        self.addCleanup(server.close)
        self.write_backend("waits", [backend], PORT + 1)
        self.agent.folder.write("route-waits", [manifests.tls_route("waits", [host_of("waits")], {"waits": 1})])
        self.addCleanup(self.client.sysctl, "net.ipv4.tcp_timestamps", 1)
        for timestamps in 1, 0:
            self.client.sysctl("net.ipv4.tcp_timestamps", timestamps)
            for family in self.each_family():
                def served():
                    connection = self.open(family, "waits")
                    if not connection:
                        return False  # no port is free, or no route yet
                    self.assertEqual(connection.recv(1), b"")
                    connection.close()
                    return True
                with Counting(self.agent) as counted:
                    for _ in range(12):
                        eventually(served, f"connection with timestamps {timestamps}")
                    self.assertEqual((counted["endpoint_rst"], counted["endpoint_refused"]), (0, 0))
                waiting = backend.run("ss", "-Htan", "state", "time-wait", f"sport = :{PORT + 1}").stdout.splitlines()
                self.assertGreater(len(waiting), 0)
                self.assertLessEqual(len(waiting), 8, "four ports, two families")

    def test_exhausted_ports_towards_one_endpoint_leave_others_alone(self):
        self.restart("--source-ports", "61000-61003")
        for family in self.each_family():
            with Counting(self.agent) as counted:
                full = [self.open(family, "b1") for _ in range(4)]
                self.assertNotIn(None, full)
                self.assertIsNone(self.open(family, "b1"))
                self.assertEqual(counted["source_ports_exhausted"], 1)
                other = self.open(family, "b2")
                for connection in full + [other]:
                    self.lives(connection)
                    connection.close()

    def test_full_flow_table_refuses_new_connections_only(self):
        self.restart("--max-connections", "16", "--closing-time", "1s")
        for family in self.each_family():
            with Counting(self.agent) as counted, ExitStack() as stack:
                live = []
                while (connection := self.open(family)) is not None:
                    live.append(stack.enter_context(connection))
                    self.assertLessEqual(len(live), 16)
                self.assertGreaterEqual(len(live), 16)
                self.assertEqual(counted["flow_table_full"], 1)
                for connection in live:
                    self.lives(connection)
                live.pop().close()
                self.lives(eventually(lambda: self.open(family), "place for a new connection"))
                for connection in live:
                    self.lives(connection)

    def test_rule_14_without_an_agent_closed_connections_fill_the_table_and_no_more(self):
        """Nobody collects them: the table is the bound, and what lives in it goes on."""
        self.restart("--max-connections", "16", "--closing-time", "1s")
        for family in self.each_family():
            live = self.open(family)
            with Counting(self.agent) as counted:
                self.agent.kill()
                closed = 0
                while (connection := self.open(family)) is not None:
                    connection.close()
                    closed += 1
                    self.assertLessEqual(closed, 16)
                self.assertGreaterEqual(closed, 15)
                self.lives(live)
                self.agent.start()
                self.assertEqual(counted["flow_table_full"], 1, "the counters are those of the maps")
            self.lives(eventually(lambda: self.open(family), "the next agent has collected what was closed"))
            self.lives(live)
            live.close()


if __name__ == "__main__":
    main()
