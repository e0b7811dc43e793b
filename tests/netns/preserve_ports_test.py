# SPDX-License-Identifier: Apache-2.0
"""
The client's own port towards an endpoint: used again at once, in use already, in use by a connection without the gateway,
and towards endpoints that do not answer.
"""

import errno
import socket
from contextlib import closing

from harness import Counting, eventually, main
from harness.clients import connect
from harness.nginx import PORT
from harness.packets import RST
from harness.servers import read_to_end, reset
from harness.station import Station
from preserving import Preserving
from stations import swapped

AGAIN = 200  # connections from one port


class PreservePorts(Preserving):
    def past_the_gateway(self, family, port):
        """A connection of the client to b1 itself, past the gateway's VIPs."""
        connection = connect(self.client, (self.network.backends[0].address[family], PORT), source=(self.client.address[family], port))
        self.addCleanup(connection.close)
        connection.sendall(b"hello without TLS")
        return connection

    def me(self, family, port, name="b1"):
        return name, self.client.address[family], port

    # ---- one port again and again (RFC 6191, as if there were no gateway) ----

    def again(self, family, count, end, gateways=("gateway",)):
        port = self.next_port()
        for number in range(count):
            connection = self.open(family, "b1", gateways[number % len(gateways)], port)
            self.assertEqual(self.told(connection), self.me(family, port), f"connection {number}")
            end(connection)

    def test_port_again_after_the_server_closed(self):
        """The endpoint is in TIME-WAIT each time."""
        for family in self.each_family():
            with Counting(self.agent) as counted:
                self.again(family, AGAIN, self.server_closes)
                self.assertEqual((counted["preserve"], counted["endpoint_syn"], counted["endpoint_challenge"]), (AGAIN, AGAIN, 0))

    def test_port_again_after_the_server_closed_without_timestamps(self):
        self.client.sysctl("net.ipv4.tcp_timestamps", 0)
        self.addCleanup(self.client.sysctl, "net.ipv4.tcp_timestamps", 1)
        for family in self.each_family():
            with Counting(self.agent) as counted:
                self.again(family, AGAIN // 4, self.server_closes)
                self.assertEqual((counted["endpoint_syn"], counted["endpoint_challenge"]), (AGAIN // 4, 0))

    def test_port_again_after_a_reset(self):
        for family in self.each_family():
            self.again(family, AGAIN // 4, reset)

    def test_port_again_by_another_vip(self):
        """The client's ISNs and timestamps do not grow from one VIP to the other: a challenge is resolved for the client."""
        for family in self.each_family():
            with Counting(self.agent) as counted:
                self.again(family, AGAIN // 4, self.server_closes, ("gateway", "strict"))
                self.assertEqual((counted["preserve_fallback"], counted["preserve_foreign"]), (0, 0))
                self.assertEqual(counted["port_recycled"], AGAIN // 4 - 1)

    # ---- in use ----

    def test_port_in_use_by_another_vip(self):
        for family in self.each_family():
            port = self.next_port()
            first = self.open(family, "b1", port=port)
            self.assertEqual(self.told(first), self.me(family, port))
            with Counting(self.agent) as counted:
                self.assertIsNone(self.told(self.open(family, "b1", "strict", port)), "only the client's port will do: refused")
                self.assertEqual(counted["client_port_in_use"], 1)
                _, address, other_port = self.told(self.open(family, "b1", "second", port))
                self.assertEqual(address, self.network.backends[0].gateway_address[family], "else the gateway's serves")
                self.assertNotEqual(other_port, port)
                self.assertEqual(counted["preserve_fallback"], 1)
            self.assert_alive(first)
            client = self.text(self.client.address[family], port)
            line = eventually(lambda: self.agent.access_log(client=client, reason="client_port_in_use"), "the line")[0]
            self.assertEqual(line["source"], client)
            first.close()
            eventually(lambda: self.told(self.open(family, "b1", "strict", port)) == self.me(family, port), "the port is free again")

    # ---- without the gateway ----

    def test_direct_connection_keeps_its_port(self):
        """The client talks to the endpoint itself; its connection through the gateway has the same two ends."""
        for family in self.each_family():
            port = self.next_port()
            direct = self.past_the_gateway(family, port)
            self.assertEqual(self.told(direct), self.me(family, port))
            with Counting(self.agent) as counted:
                through = self.open(family, "b1", port=port)
                self.assert_alive(direct, b"while the endpoint is asked")
                self.assertEqual(self.told(through)[1], self.network.backends[0].gateway_address[family])
                self.assertGreater(counted["preserve_foreign"], 0, "the endpoint's packets for the direct connection went by")
                self.assertEqual(counted["rst_sent"], 0)
            self.assert_alive(direct)
            self.assert_alive(through)
            self.server_closes(direct)

    def test_direct_connection_after_one_through_the_gateway(self):
        for family in self.each_family():
            for end in reset, socket.socket.close:
                port = self.next_port()
                through = self.open(family, "b1", port=port)
                self.assertEqual(self.told(through), self.me(family, port))
                end(through)
                eventually(lambda: not self.network.backends[0].run("ss", "-Htn", "dport", "=", f":{port}").stdout, "its end at the endpoint")
                with Counting(self.agent) as counted:
                    direct = self.past_the_gateway(family, port)
                    self.assertEqual(self.told(direct), self.me(family, port))
                    self.assert_alive(direct, b"x" * 10000)
                    self.assertEqual(counted["preserve_foreign"], 1, "its SYN-ACK; the closing flow gave way to it")
                self.server_closes(direct)

    def test_direct_connection_does_not_disturb_one_through_the_gateway(self):
        for family in self.each_family():
            port = self.next_port()
            through = self.open(family, "b1", port=port)
            self.told(through)
            attempt = self.client.socket(family)
            self.addCleanup(attempt.close)
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind((self.client.address[family], port))
            attempt.setblocking(False)
            self.assertEqual(attempt.connect_ex((self.network.backends[0].address[family], PORT)), errno.EINPROGRESS)
            for _ in range(20):
                self.assert_alive(through, b"y" * 5000)

    # ---- endpoints that do not answer ----

    def late_answer_is_reset(self, station, syn):
        station.answer(syn)
        answer = station.receive(lambda s: s.flags & RST, what="RST for the late answer")
        self.assertEqual((answer.source, answer.source_port, answer.seq), (syn.source, syn.source_port, syn.end))

    def test_silent_endpoint_is_asked_again_with_an_address_of_ours(self):
        """Its answers to clients may take another way."""
        for family in self.each_family():
            with closing(Station(self.network.backends[0], family, 91)) as silent:
                name = f"alone{family.value}"
                self.publish(name, [silent.address])
                with Counting(self.agent) as counted:
                    connection = self.open(family, name)
                    syn = silent.syn(PORT, self.client.address[family])
                    self.assertEqual(syn.source_port, connection.getsockname()[1])
                    second = silent.syn(PORT, self.network.backends[0].gateway_address[family])
                    self.late_answer_is_reset(silent, syn)
                    silent.answer(second)
                    silent.receive(lambda s: s.payload and s.source == second.source, what="hello")
                    self.assertEqual((counted["preserve_fallback"], counted["preserve_foreign"]), (1, 0))

    def served_by_the_other(self, family, silent):
        """A connection to b3, after the silent endpoint was asked; and the SYN to that one."""
        name = f"silent{silent.address}".translate({ord(c): "x" for c in ".:"})
        self.publish(name, [silent.address, self.network.backends[2].address[family]])
        with Counting(self.agent) as counted:
            while not counted["endpoint_timeout"]:
                connection = self.open(family, name)
                client = connection.getsockname()[:2]
                self.assertEqual(self.told(connection), ("b3", *client), "the other endpoint sees the client, too")
        syn = silent.syn(PORT, self.client.address[family])
        self.assertEqual((syn.source, syn.source_port), client)
        return connection, syn

    def entries_towards(self, syn):
        """How many endpoint-to-client entries lead to the client and port that sent the SYN."""
        ends = {"source_port": swapped(PORT), "destination_port": swapped(syn.source_port)}
        return sum(ends.items() <= entry["key"].items() for entry in self.agent.flows())

    def test_late_answer_of_an_abandoned_endpoint_is_reset(self):
        for family in self.each_family():
            with closing(Station(self.network.backends[0], family, 92)) as silent:
                connection, syn = self.served_by_the_other(family, silent)
                with Counting(self.agent) as counted:
                    self.late_answer_is_reset(silent, syn)
                    self.assertEqual(counted["rst_sent"], 1)
                self.assert_alive(connection)

    def test_answer_after_the_closing_time_is_reset_by_the_client(self):
        """The endpoint's entry is gone; the answer takes the way of any packet, and the client's socket is that of a VIP."""
        for family in self.each_family():
            with closing(Station(self.network.backends[0], family, 94)) as silent:
                connection, syn = self.served_by_the_other(family, silent)
                eventually(lambda: self.entries_towards(syn) == 1, "of the two endpoints, the one that answered")
                with Counting(self.agent) as counted:
                    self.late_answer_is_reset(silent, syn)
                    self.assertEqual((counted["rst_sent"], counted["preserve_foreign"]), (0, 0))
                self.assert_alive(connection)

    def test_answer_after_the_client_has_gone_is_reset(self):
        for family in self.each_family():
            with closing(Station(self.network.backends[0], family, 93)) as silent:
                name = f"gone{family.value}"
                self.publish(name, [silent.address])
                connection = self.open(family, name)
                syn = silent.syn(PORT, self.client.address[family])
                reset(connection)
                self.late_answer_is_reset(silent, syn)

    def test_half_close_from_a_port_used_again(self):
        """Late data of the server crosses nothing: the client's FIN ends one direction only, three times on one port."""
        for family in self.each_family():
            port = self.next_port()
            for _ in range(3):
                connection = self.open(family, "b1", port=port)
                self.assertEqual(self.told(connection), self.me(family, port))
                connection.sendall(b"z" * 100000)
                connection.shutdown(socket.SHUT_WR)
                self.assertEqual(read_to_end(connection), b"z" * 100000)
                reset(connection)


if __name__ == "__main__":
    main()
