# SPDX-License-Identifier: Apache-2.0
"""
The option matrix: what client and endpoint may agree on, or not, on either side. Not the full product but a pairwise
selection (harness/pairs.py): every two values of different factors meet in at least one row. Each row makes connections
of both families that carry data both ways at the same time, with sha256, and both kernels are asked what they agreed on.
The same row without the gateway is the control. What no kernel here offers is in offers_test.py.
"""

import hashlib
import socket
import threading

from harness import FAMILIES, Counting, main
from harness.clients import connect
from harness.nginx import PORT
from harness.pairs import all_pairs, pairs_of, select
from harness.servers import read_to_end
from option_case import FACTORS, HELLO, PROMISED_SHIFT, WINDOWS, OptionCase, agreed, stream

OFFERS = "plain", "ECN", "TFO", "TFO with data", "MPTCP"  # of the client; the endpoint takes ECN and TFO
MATRIX = FACTORS | {"offer": OFFERS, "loss": (0, 0.01)}
CONNECTIONS = 2  # of each family in each row

TCP_FASTOPEN_CONNECT, IPPROTO_MPTCP = 30, 262  # linux/tcp.h, linux/in.h
# net.ipv4.tcp_fastopen. 1: client, 2: server, 4: data in the SYN without a cookie, 0x200: and it is taken, 0x400: by every listener
FAST_OPEN, FAST_OPEN_WITH_DATA = 0x403, 0x607


class Options(OptionCase):
    wires = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for host in cls.client, cls.endpoint:
            host.sysctl("net.mptcp.enabled", 1)
            host.sysctl("net.ipv4.tcp_fastopen", FAST_OPEN_WITH_DATA)  # when the server begins to listen

    def prepare(self, host, side, row):
        super().prepare(host, side, row)
        host.sysctl("net.ipv4.tcp_ecn", 1 if row["offer"] == "ECN" else 2)
        host.sysctl("net.ipv4.tcp_fastopen", FAST_OPEN_WITH_DATA if row["offer"] == "TFO with data" else FAST_OPEN)

    def connect(self, row, target):
        family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
        if row["offer"] == "MPTCP":
            with self.client.entered():
                connection = socket.socket(family, socket.SOCK_STREAM, IPPROTO_MPTCP)
            connection.settimeout(120)
            connection.connect(target)
            return connection
        if row["offer"].startswith("TFO"):
            connection = self.client.socket(family)
            connection.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
            connection.settimeout(120)
            connection.connect(target)  # the first write sends the SYN
            return connection
        return connect(self.client, target)

    def transfer(self, number, target):
        try:
            with self.connect(self.row, target) as connection:
                connection.sendall(HELLO + bytes([number]))
                self.shrink(connection, "client")
                down = connection.recv(1)
                self.ends["client"].append(agreed(connection))  # while no FIN is on its way

                def send():
                    connection.sendall(stream(number, "up", self.size))
                    connection.shutdown(socket.SHUT_WR)

                sender = threading.Thread(target=send)
                sender.start()
                down += read_to_end(connection)
                sender.join()
                self.received[number] = hashlib.sha256(down[:-32]).hexdigest(), down[-32:].hex()
        except OSError as error:
            self.received[number] = repr(error)

    def troubles(self):
        ours = self.agent.counters()
        names = "Tcp.EstabResets", "Tcp.AttemptFails", "Tcp.InCsumErrors"
        return {(host.name, name): host.snmp()[name] for host in (self.client, self.endpoint) for name in names} | {
            name: ours[name] for name in ("rst_sent", "hello_stalled", "hello_malformed", "bad_header", "bad_checksum")}

    def lose(self, row):
        """
        Of what goes to an MPTCP client nothing is lost: Linux 6.18 delivers a stream with gaps now and then by an MPTCP socket that
        has fallen back to TCP and misses a packet (mostly counted as MPTcpExt.NoDSSInWindow). It does so without a gateway.
        """
        up, down = row["loss"], 0 if row["offer"] == "MPTCP" else row["loss"]
        client, endpoint = (self.network.wires[host.name] for host in (self.client, self.endpoint))
        for port, loss in (client.from_host, up), (endpoint.to_host, up), (endpoint.from_host, down), (client.to_host, down):
            port.configure(loss=loss)

    def play(self, row, direct):
        """The row's connections, to the VIP or to the endpoint itself; every stream must arrive."""
        self.row, self.received, self.ends = row, {}, {"client": [], "endpoint": []}
        self.prepare(self.client, "client", row)
        self.prepare(self.endpoint, "endpoint", row)
        self.lose(row)
        targets = [(self.endpoint.address[family], PORT) if direct else self.target(family) for family in FAMILIES * CONNECTIONS]
        threads = [threading.Thread(target=self.transfer, args=each) for each in enumerate(targets)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for wire in self.network.wires.values():
            self.lost += wire.from_host.counts()[1] + wire.to_host.counts()[1]
            wire.configure()
        self.assertEqual(self.server.failures, [])
        self.assertEqual(self.received, {number: self.sums(number) for number in range(len(targets))})

    def check_client(self, row):
        """The gateway promises all that is asked for, but for what it does not know."""
        shift = WINDOWS[row["client window"]][0]
        for end in self.ends["client"]:
            self.assertEqual((end["timestamps"], end["SACK"]), (row["client timestamps"], row["client SACK"]))
            self.assertEqual(end["shifts"], None if shift is None else (PROMISED_SHIFT, shift))
            self.assertEqual((end["ECN"], end["data in the SYN"]), (False, False))

    def check_control(self, row):
        """The two kernels do agree on what is offered, if no SYN is lost; on data in the SYN as soon as there is a cookie."""
        if row["loss"] or row["offer"] == "TFO":
            return
        for end in self.ends["client"] + self.ends["endpoint"]:
            self.assertEqual((end["ECN"], end["data in the SYN"]), (row["offer"] == "ECN", row["offer"] == "TFO with data"))

    def test_all_pairs_of_options(self):
        rows = select(MATRIX)
        self.assertEqual(set().union(*map(pairs_of, rows)), all_pairs(MATRIX), "the selection is complete")
        before, self.lost = self.troubles(), 0
        for number, row in enumerate(rows):
            with self.subTest(number=number, **row):
                self.server.failures.clear()
                self.play(row, direct=True)
                self.check_control(row)
                with Counting(self.agent) as counted:
                    self.play(row, direct=False)
                self.check_client(row)
                self.check_endpoint(row, counted, CONNECTIONS * len(FAMILIES))
        self.assertEqual(self.troubles(), before)
        self.assertGreater(self.lost, 0)
        print(f"{len(rows)} rows for {len(all_pairs(MATRIX))} pairs, {self.server.accepted} connections, {self.lost} packets lost")


if __name__ == "__main__":
    main()
