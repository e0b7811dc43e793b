# SPDX-License-Identifier: Apache-2.0
"""What the tests of TCP options share: the values either side may have, hosts that have them, and a server for both directions."""

import hashlib
import random
import socket
import struct
import threading

from harness import FAMILIES, Case
from harness.hello import made
from harness.namespace import ip
from harness.nginx import PORT
from harness.servers import Server, read_exactly, read_to_end
from harness.topology import V6

# Shift count (RFC 7323 2.3; None: it does not offer the option), the largest receive window, and the receive buffer,
# where it is small: no smaller than an end can live with by itself, one step of the window and one segment.
WINDOWS = {"none": (None, 65535, 0), "0": (0, 65535, 0), "7": (7, 1 << 22, 0), "14": (14, 1 << 30, 0),
           "0, small buffer": (0, 65535, 1 << 14), "14, small buffer": (14, 1 << 30, 1 << 16)}
SIZES = 536, 1220, 1460, 8960  # MSS
FACTORS = {
    "client window": tuple(WINDOWS), "endpoint window": tuple(WINDOWS),
    "client SACK": (True, False), "endpoint SACK": (True, False),
    "client timestamps": (True, False), "endpoint timestamps": (True, False),
    "client MSS": SIZES, "endpoint MSS": SIZES, "offloads": (True, False),
}
PROMISED_SHIFT = 10  # --window-scale, its default
MISSING = "endpoint_no_window_scale", "endpoint_no_sack", "endpoint_no_timestamps"

HELLO = made("b1.example.com", before=1500)
TIMESTAMPS, SACK, WINDOW_SCALE, ECN, SYN_DATA = 1, 2, 4, 8, 32  # tcpi_options of linux/tcp.h


def stream(number, way, size):
    """What connection `number` of a row sends `up` or `down`: no two of these have one content or one length."""
    return random.Random(f"{number} {way}").randbytes(size + 997 * number + 401 * (way == "down"))


def agreed(connection):
    """What the kernel says the connection uses: tcpi_options and the shift counts of both directions."""
    info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 104)  # struct tcp_info of linux/tcp.h
    options, shifts = info[5], info[6]
    return {"timestamps": bool(options & TIMESTAMPS), "SACK": bool(options & SACK),
            "shifts": (shifts & 15, shifts >> 4) if options & WINDOW_SCALE else None,
            "ECN": bool(options & ECN), "data in the SYN": bool(options & SYN_DATA),
            "MSS": struct.unpack_from("=I", info, 16)[0]}


class OptionCase(Case):
    nginx = False
    backends = 1
    mtu = 9000
    size = 300_000  # bytes each way, about

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.endpoint = cls.network.backends[0]
        for host in cls.client, cls.endpoint:
            host.sysctl("net.ipv4.tcp_rmem", f"4096 131072 {1 << 30}")
            host.sysctl("net.ipv4.tcp_no_metrics_save", 1)  # no row knows of another
            host.sysctl("net.ipv4.tcp_congestion_control", "reno")

    def setUp(self):
        self.server = Server(self.endpoint, PORT, self.serve)
        self.addCleanup(self.server.close)

    def prepare(self, host, side, row):
        """Settings of a host; those of a route hold for every kind of socket."""
        host.sysctl("net.ipv4.tcp_window_scaling", int(WINDOWS[row[f"{side} window"]][0] is not None))
        host.sysctl("net.ipv4.tcp_sack", int(row[f"{side} SACK"]))
        host.sysctl("net.ipv4.tcp_timestamps", int(row[f"{side} timestamps"]))
        host.offloads("eth0", row["offloads"])
        for family in FAMILIES:
            gateway, size = host.gateway_address[family], row[f"{side} MSS"]
            peers = [self.network.vip[family], self.endpoint.address[family]] if side == "client" else ["default"]
            for way in [[gateway], *([peer, "via", gateway] for peer in peers)]:
                ip("route", "replace", *way, "dev", "eth0", "window", WINDOWS[row[f"{side} window"]][1],
                   "advmss", size - (20 if family == V6 and size == 8960 else 0), namespace=host.name)

    def shrink(self, connection, side):
        """After the handshake: before it, the kernel would choose the shift count by the buffer."""
        if size := WINDOWS[self.row[f"{side} window"]][2]:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)

    def serve(self, connection):
        """Behind a hello and a connection's number: sends what goes down, takes what comes to the end, answers with its sum."""
        self.shrink(connection, "endpoint")
        self.assertEqual(read_exactly(connection, len(HELLO)), HELLO)
        number = read_exactly(connection, 1)[0]
        self.ends["endpoint"].append(agreed(connection))
        sender = threading.Thread(target=connection.sendall, args=(stream(number, "down", self.size),))
        sender.start()
        up = read_to_end(connection)
        sender.join()
        connection.sendall(hashlib.sha256(up).digest())

    def sums(self, number):
        """sha256 of what goes down and up."""
        return tuple(hashlib.sha256(stream(number, way, self.size)).hexdigest() for way in ("down", "up"))

    def check_endpoint(self, row, counted, count):
        """The gateway offers what the client offered, and counts what it promised and the endpoint does not have."""
        client_shift, endpoint_shift = WINDOWS[row["client window"]][0], WINDOWS[row["endpoint window"]][0]
        timestamps, sack = (row[f"client {option}"] and row[f"endpoint {option}"] for option in ("timestamps", "SACK"))
        shifts = None if None in (client_shift, endpoint_shift) else (client_shift, endpoint_shift)
        self.assertEqual(len(self.ends["endpoint"]), count)
        for end in self.ends["endpoint"]:
            self.assertEqual((end["timestamps"], end["SACK"], end["shifts"]), (timestamps, sack, shifts))
            self.assertEqual((end["ECN"], end["data in the SYN"]), (False, False))
            self.assertLessEqual(end["MSS"], row["client MSS"])
        lacks = (client_shift is not None and endpoint_shift is None, row["client SACK"] and not sack,
                 row["client timestamps"] and not timestamps)
        self.assertEqual({name: counted[name] for name in MISSING}, {name: count * lack for name, lack in zip(MISSING, lacks)})
        self.assertEqual(counted["established"], count)
