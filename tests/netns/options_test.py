# SPDX-License-Identifier: Apache-2.0
"""
The option matrix: what client and endpoint may agree on, or not, on either side. Not the full product but a pairwise
selection (harness/pairs.py): every two values of different factors meet in at least one row. Each row makes connections
of both families that carry data both ways at the same time, with sha256, and both kernels are asked what they agreed on.
"""

import hashlib
import random
import socket
import struct
import threading
from contextlib import closing

from harness import FAMILIES, Case, Counting, main
from harness.clients import connect
from harness.hello import made
from harness.namespace import ip
from harness.nginx import PORT
from harness.packets import ACK, FIN, SACK_PERMITTED, SYN, mss, option, window_scale
from harness.pairs import all_pairs, pairs_of, select
from harness.servers import Server, echo, read_exactly, read_to_end
from harness.station import Conversation, Station
from harness.topology import V6

# Shift count (RFC 7323 2.3; None: it does not offer the option), the largest receive window, and the receive buffer,
# where it is small: no smaller than an end can live with by itself, one step of the window and one segment.
WINDOWS = {"none": (None, 65535, 0), "0": (0, 65535, 0), "7": (7, 1 << 22, 0), "14": (14, 1 << 30, 0),
           "0, small buffer": (0, 65535, 1 << 14), "14, small buffer": (14, 1 << 30, 1 << 16)}
SIZES = 536, 1220, 1460, 8960  # MSS
OFFERS = "plain", "ECN", "TFO", "TFO with data", "MPTCP"  # of the client; the endpoint is willing
FACTORS = {
    "client window": tuple(WINDOWS), "endpoint window": tuple(WINDOWS),
    "client SACK": (True, False), "endpoint SACK": (True, False),
    "client timestamps": (True, False), "endpoint timestamps": (True, False),
    "client MSS": SIZES, "endpoint MSS": SIZES,
    "offer": OFFERS, "offloads": (True, False), "loss": (0, 0.01),
}
MTU = 9000
PROMISED_SHIFT = 10  # --window-scale, its default
CONNECTIONS = 2  # of each family in each row

HELLO = made("b1.example.com", before=1500)
DATA = random.Random(1).randbytes(300_000)
ECE, CWR, AE = 0x40, 0x80, 0x100
# What is in a SYN: flags, options (a multiple of 4 bytes) and data. AccECN is RFC 9768, MD5 RFC 2385, AO RFC 5925.
UNKNOWN = {
    "AccECN": (AE | CWR | ECE, b"", b""), "ECN": (CWR | ECE, b"", b""),
    "MD5": (0, b"\x13\x12" + bytes(16) + b"\x01\x01", b""), "AO": (0, b"\x1d\x10" + bytes(14), b""),
    "TFO with a cookie and data": (0, b"\x22\x0a" + bytes(8) + b"\x01\x01", b"early"),
    "MPTCP": (0, b"\x1e\x0c\x01\x81" + bytes(8), b""), "user timeout": (0, b"\x1c\x04\x80\x0a", b""),
    "an experiment": (0, b"\xfd\x06\x12\x34\x56\x78\x01\x01", b""), "a kind nobody knows": (0, b"\xc8\x02\xc9\x02", b""),
}

TCP_FASTOPEN_CONNECT, IPPROTO_MPTCP = 30, 262  # linux/tcp.h, linux/in.h
TIMESTAMPS, SACK, WINDOW_SCALE = 1, 2, 4  # tcpi_options


def agreed(connection):
    """What the kernel says the connection uses: tcpi_options and the shift counts of both directions."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)  # struct tcp_info of linux/tcp.h
    options, shifts = info[5] & (TIMESTAMPS | SACK | WINDOW_SCALE), info[6]
    return {"timestamps": bool(options & TIMESTAMPS), "SACK": bool(options & SACK),
            "shifts": (shifts & 15, shifts >> 4) if options & WINDOW_SCALE else None,
            "MSS": struct.unpack_from("=I", info, 16)[0]}


class Options(Case):
    nginx = False
    backends = 1
    wires = True
    mtu = MTU

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.endpoint = cls.network.backends[0]
        for host in cls.client, cls.endpoint:
            host.sysctl("net.ipv4.tcp_rmem", f"4096 131072 {1 << 30}")
            host.sysctl("net.ipv4.tcp_no_metrics_save", 1)  # no row knows of another
            host.sysctl("net.mptcp.enabled", 1)
            host.sysctl("net.ipv4.tcp_congestion_control", "reno")
        cls.rows = select(FACTORS)

    def prepare(self, host, side, row):
        """Settings of a host; those of a route hold for every kind of socket."""
        host.sysctl("net.ipv4.tcp_window_scaling", int(WINDOWS[row[f"{side} window"]][0] is not None))
        host.sysctl("net.ipv4.tcp_sack", int(row[f"{side} SACK"]))
        host.sysctl("net.ipv4.tcp_timestamps", int(row[f"{side} timestamps"]))
        host.sysctl("net.ipv4.tcp_ecn", 1 if row["offer"] == "ECN" else 2)
        # 1: client, 2: server, 4: data in the SYN without a cookie, 0x200: and it is taken
        host.sysctl("net.ipv4.tcp_fastopen", 0x207 if row["offer"] == "TFO with data" else 3)
        host.offloads("eth0", row["offloads"])
        for family in FAMILIES:
            gateway = host.gateway_address[family]
            ways = [gateway] if side == "endpoint" else [self.network.vip[family], "via", gateway]
            ip("route", "replace", *ways, "dev", "eth0", "window", WINDOWS[row[f"{side} window"]][1],
               "advmss", row[f"{side} MSS"] - (20 if family == V6 and row[f"{side} MSS"] == 8960 else 0), namespace=host.name)

    def connect(self, row, family):
        if row["offer"] == "MPTCP":
            with self.client.entered():
                connection = socket.socket(family, socket.SOCK_STREAM, IPPROTO_MPTCP)
            connection.settimeout(120)
            connection.connect(self.target(family))
            return connection
        if row["offer"].startswith("TFO"):
            connection = self.client.socket(family)
            connection.setsockopt(socket.IPPROTO_TCP, TCP_FASTOPEN_CONNECT, 1)
            connection.settimeout(120)
            connection.connect(self.target(family))  # the first write sends the SYN
            return connection
        return connect(self.client, self.target(family))

    def shrink(self, connection, side):
        """After the handshake: before it, the kernel would choose the shift count by the buffer."""
        if size := WINDOWS[self.row[f"{side} window"]][2]:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)

    def serve(self, connection):
        """Sends DATA, takes what comes to the end, answers with its sum."""
        self.shrink(connection, "endpoint")
        self.assertEqual(read_exactly(connection, len(HELLO)), HELLO)
        self.ends["endpoint"].append(agreed(connection))
        sender = threading.Thread(target=connection.sendall, args=(DATA,))
        sender.start()
        up = read_to_end(connection)
        sender.join()
        connection.sendall(hashlib.sha256(up).digest())

    def transfer(self, row, family):
        try:
            with self.connect(row, family) as connection:
                connection.sendall(HELLO)
                self.shrink(connection, "client")
                down = connection.recv(1)
                self.ends["client"].append(agreed(connection))  # while no FIN is on its way

                def send():
                    connection.sendall(DATA)
                    connection.shutdown(socket.SHUT_WR)

                sender = threading.Thread(target=send)
                sender.start()
                down += read_to_end(connection)
                sender.join()
                self.sums.append((hashlib.sha256(down[:-32]).hexdigest(), down[-32:].hex()))
        except OSError as error:
            self.sums.append(repr(error))

    def troubles(self):
        ours = self.agent.counters()
        names = "Tcp.EstabResets", "Tcp.AttemptFails", "Tcp.InCsumErrors"
        return {(host.name, name): host.snmp()[name] for host in (self.client, self.endpoint) for name in names} | {
            name: ours[name] for name in ("rst_sent", "hello_stalled", "hello_malformed", "bad_header", "bad_checksum")}

    def lost_by_mptcp(self):
        """
        Segments that the client's TCP took and its MPTCP threw away. On Linux 6.18 a socket that has fallen back to TCP does
        so now and then when its receive buffer is small, and the stream it delivers has a gap. No TCP socket does.
        """
        return self.client.snmp()["MPTcpExt.NoDSSInWindow"]

    def play(self, row):
        self.row, self.sums, self.ends = row, [], {"client": [], "endpoint": []}
        self.prepare(self.client, "client", row)
        self.prepare(self.endpoint, "endpoint", row)
        for wire in self.network.wires.values():
            wire.configure(loss=row["loss"])
        threads = [threading.Thread(target=self.transfer, args=(row, family)) for family in FAMILIES * CONNECTIONS]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for wire in self.network.wires.values():
            wire.configure()

    def check(self, row, counted):
        count = CONNECTIONS * len(FAMILIES)
        sum_ = hashlib.sha256(DATA).hexdigest()
        self.assertEqual(self.sums, [(sum_, sum_)] * count)
        client_shift, endpoint_shift = WINDOWS[row["client window"]][0], WINDOWS[row["endpoint window"]][0]
        for end in self.ends["client"]:  # the gateway promises all that is asked for
            self.assertEqual((end["timestamps"], end["SACK"]), (row["client timestamps"], row["client SACK"]))
            self.assertEqual(end["shifts"], None if client_shift is None else (PROMISED_SHIFT, client_shift))
        for end in self.ends["endpoint"]:  # the gateway offers what the client offered
            self.assertEqual((end["timestamps"], end["SACK"]), (row["client timestamps"] and row["endpoint timestamps"],
                                                                row["client SACK"] and row["endpoint SACK"]))
            self.assertEqual(end["shifts"], None if None in (client_shift, endpoint_shift) else (client_shift, endpoint_shift))
            self.assertLessEqual(end["MSS"], row["client MSS"])
        missing = {"endpoint_no_window_scale": client_shift is not None and endpoint_shift is None,
                   "endpoint_no_sack": row["client SACK"] and not row["endpoint SACK"],
                   "endpoint_no_timestamps": row["client timestamps"] and not row["endpoint timestamps"]}
        self.assertEqual({name: counted[name] for name in missing}, {name: count * lacks for name, lacks in missing.items()})
        self.assertEqual(counted["established"], count)

    def server(self, handler):
        server = Server(self.endpoint, PORT, handler)
        self.addCleanup(server.close)
        return server

    def test_all_pairs_of_options(self):
        self.assertEqual(set().union(*map(pairs_of, self.rows)), all_pairs(FACTORS), "the selection is complete")
        server = self.server(self.serve)
        before, repeated = self.troubles(), 0
        for number, row in enumerate(self.rows):
            with self.subTest(number=number, **row):
                for _ in range(10):
                    lost = self.lost_by_mptcp()
                    server.failures.clear()
                    with Counting(self.agent) as counted:
                        self.play(row)
                    if self.lost_by_mptcp() == lost:
                        break
                    repeated += 1  # it shows nothing
                self.assertEqual(server.failures, [])
                self.check(row, counted)
        self.assertEqual(self.troubles(), before)
        print(f"{len(self.rows)} rows for {len(all_pairs(FACTORS))} pairs, {server.accepted} connections; "
              f"{repeated} plays were repeated because the client's MPTCP threw data away")

    def test_what_no_stack_here_offers(self):
        """SYNs by hand: nothing of it is agreed to, everything else is, and the connection carries data both ways."""
        server = self.server(echo)
        usual = mss(1460) + SACK_PERMITTED + window_scale(7)
        for family in self.each_family():
            for name, (flags, options, payload) in UNKNOWN.items():
                for before, after in (b"", usual), (usual, b""):
                    with self.subTest(offer=name), closing(Station(self.client, family)) as station:
                        answer = self.exchange(Conversation(station, self.target(family)), flags, before + options + after, payload)
                        self.assertEqual([bool(option(answer, kind)) for kind in (2, 3)], [True, True], "MSS and window scale")
                        self.assertEqual({kind for kind in range(5, 256) if option(answer, kind) is not None}, set())
        self.assertEqual(server.failures, [])

    def exchange(self, conversation, flags, options, payload):
        """Opens with this SYN, sends a hello and data, and takes them back from the endpoint. Returns the SYN-ACK."""
        conversation.station.send(conversation.segment(SYN | flags, payload, options=options))
        conversation.seq += 1  # data in the SYN is not acknowledged: it is sent again
        answer = conversation.receive(what="SYN-ACK")
        self.assertEqual((answer.flags, answer.ack), (SYN | ACK, conversation.seq))
        conversation.ack = answer.end
        conversation.send(ACK)
        up = HELLO + DATA[:3000]
        for at in range(0, len(up), 1000):
            conversation.push(up[at:at + 1000])
        self.assertEqual(conversation.data(len(up)), up)
        conversation.send(FIN | ACK)
        conversation.ack = conversation.receive(lambda s: s.flags & FIN, "FIN").end
        conversation.send(ACK)
        return answer


if __name__ == "__main__":
    main()
