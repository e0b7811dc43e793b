# SPDX-License-Identifier: Apache-2.0
"""
What a client may offer and the gateway does not negotiate, by a client whose every segment the test sends and reads: AccECN, MD5,
AO and others, which no kernel here offers, or only to a peer that signs its answers. Together with what both ends may agree on,
as a pairwise selection (harness/pairs.py), not the full product. Nothing of the offer is agreed to, everything else is,
and both directions carry data with sha256.
"""

import hashlib
import itertools
import struct
from contextlib import closing

from harness import FAMILIES, Counting, main
from harness.packets import ACK, FIN, MODULUS, PSH, SYN, mss, option
from harness.pairs import all_pairs, pairs_of, select
from harness.station import Conversation, Station
from option_case import FACTORS, HELLO, PROMISED_SHIFT, WINDOWS, OptionCase, stream

ECE, CWR, AE = 0x40, 0x80, 0x100
# What is in a SYN: flags, an option and data. AccECN is RFC 9768, MD5 RFC 2385, AO RFC 5925.
OFFERS = {
    "AccECN": (AE | CWR | ECE, b"", b""), "ECN": (CWR | ECE, b"", b""),
    "MD5": (0, b"\x13\x12" + bytes(range(16)), b""), "AO": (0, b"\x1d\x10" + bytes(range(14)), b""),
    "TFO": (0, b"\x22\x02", b""), "TFO with a cookie and data": (0, b"\x22\x0a" + bytes(range(8)), b"early"),
    "MPTCP": (0, b"\x1e\x0c\x01\x81" + bytes(range(8)), b""), "user timeout": (0, b"\x1c\x04\x80\x0a", b""),
    "an experiment": (0, b"\xfd\x06\x12\x34\x56\x78", b""), "a kind nobody knows": (0, b"\xc8\x02", b""),
}
MATRIX = FACTORS | {"offer": tuple(OFFERS), "place": ("first", "last"), "segments": ("of 536", "as large as allowed")}
WINDOW_SCALE, SACK_PERMITTED, STAMP = 3, 4, 8  # kinds of options
IN_FLIGHT = 8192  # bytes at most: what fits any buffer here with all its overhead, so that nothing has to be sent again


class Client(Conversation):
    """A TCP client as the row wants it, with a window and timestamps of its own, and flow control; without loss it needs no more."""

    def __init__(self, station, target, row):
        super().__init__(station, target)
        self.row, (self.shift, largest, small) = row, WINDOWS[row["client window"]]
        self.window = min(65535, (small or largest) >> (self.shift or 0))
        self.clock, self.echo = itertools.count(1_000_000), 0
        self.stamps, self.stamped = [], row["client timestamps"]

    def stamp(self):
        self.stamps.append(next(self.clock))
        return struct.pack("!BBII", STAMP, 10, self.stamps[-1], self.echo)

    def segment(self, flags=ACK, payload=b"", at=None, **other):
        options = b"" if flags & SYN or not self.stamped else b"\x01\x01" + self.stamp()
        return super().segment(flags, payload, at, **({"window": self.window, "options": options} | other))

    def receive(self, *arguments, **options):
        segment = super().receive(*arguments, **options)
        self.allowed = segment.window << (PROMISED_SHIFT if self.shift is not None and not segment.flags & SYN else 0)
        if self.stamped and (stamp := option(segment, STAMP)):  # an endpoint may know of no timestamps
            self.echo, echoed = struct.unpack("!II", stamp)
            assert echoed in self.stamps, f"{echoed} is no timestamp of the client"
        return segment

    def open(self):
        """With the row's offer among the usual options. Returns the SYN-ACK."""
        flags, offer, payload = OFFERS[self.row["offer"]]
        usual = [mss(self.row["client MSS"])]
        usual += [bytes([SACK_PERMITTED, 2])] if self.row["client SACK"] else []
        usual += [self.stamp()] if self.stamped else []
        usual += [bytes([WINDOW_SCALE, 3, self.shift])] if self.shift is not None else []
        options = b"".join([offer, *usual] if self.row["place"] == "first" else [*usual, offer])
        self.station.send(self.segment(SYN | flags, payload, options=options + b"\x01" * (-len(options) % 4)))
        self.seq += 1  # data in the SYN is not acknowledged: it is sent again
        answer = self.receive(what="SYN-ACK")
        assert (answer.flags, answer.ack) == (SYN | ACK, self.seq), answer
        self.ack = answer.end
        self.send(ACK)
        return answer

    def upload(self, data, size):
        """Sends data in segments, inside the peer's window, and waits where that is full."""
        begin, sent, acknowledged = self.seq, 0, 0
        while acknowledged < len(data):
            while part := data[sent:min(sent + size, acknowledged + min(self.allowed, IN_FLIGHT))]:
                self.send(PSH | ACK, part)
                sent += len(part)
            answer = self.receive(lambda s: (s.ack - begin) % MODULUS <= sent, "acknowledgement")
            acknowledged = (answer.ack - begin) % MODULUS

    def to_end(self):
        """The stream up to the peer's FIN."""
        received = b""
        while True:
            part = self.receive(lambda s: s.seq == self.ack and (s.payload or s.flags & FIN), "data or FIN")
            received += part.payload
            self.ack = part.end
            self.send(ACK)
            if part.flags & FIN:
                return received


class Offers(OptionCase):
    size = 40_000

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.endpoint.sysctl("net.ipv4.tcp_ecn", 1)
        cls.endpoint.sysctl("net.ipv4.tcp_fastopen", 0x607)  # takes data in a SYN, and without a cookie
        cls.client.offloads("eth0", False)

    def dialogue(self, client, number):
        """Returns the SYN-ACK, and sha256 of what came down and of what the endpoint got."""
        answer = client.open()
        size = 536 if self.row["segments"] == "of 536" else int.from_bytes(option(answer, 2), "big")
        size -= 12 if client.stamped else 0
        client.upload(HELLO + bytes([number]), size)
        down = client.data(len(stream(number, "down", self.size)))
        client.upload(stream(number, "up", self.size), size)
        client.send(FIN | ACK)
        return answer, (hashlib.sha256(down).hexdigest(), client.to_end().hex())

    def check_answer(self, answer, client):
        """Of the SYN: all that is usual is answered, and nothing else."""
        present = {kind for kind in range(2, 256) if option(answer, kind) is not None}
        wanted = {2} | {kind for kind, offered in ((WINDOW_SCALE, client.shift is not None), (SACK_PERMITTED, self.row["client SACK"]),
                                                   (STAMP, client.stamped)) if offered}
        self.assertEqual(present, wanted)
        if client.shift is not None:
            self.assertEqual(option(answer, WINDOW_SCALE), bytes([PROMISED_SHIFT]))

    def test_all_pairs_of_offers_by_hand(self):
        rows = select(MATRIX)
        self.assertEqual(set().union(*map(pairs_of, rows)), all_pairs(MATRIX), "the selection is complete")
        for number, self.row in enumerate(rows):
            self.prepare(self.endpoint, "endpoint", self.row)
            self.ends = {"endpoint": []}
            with self.subTest(number=number, **self.row), Counting(self.agent) as counted:
                for connection, family in enumerate(self.each_family()):
                    with closing(Station(self.client, family)) as station:
                        client = Client(station, self.target(family), self.row)
                        answer, sums = self.dialogue(client, connection)
                        self.assertEqual(sums, self.sums(connection))
                        self.check_answer(answer, client)
                self.check_endpoint(self.row, counted, len(FAMILIES))
        self.assertEqual(self.server.failures, [])
        print(f"{len(rows)} rows for {len(all_pairs(MATRIX))} pairs, {self.server.accepted} connections")


if __name__ == "__main__":
    main()
