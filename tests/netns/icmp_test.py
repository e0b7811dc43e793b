# SPDX-License-Identifier: Apache-2.0
"""ICMP errors of routers about packets that left the gateway: they reach who sent the original, as errors about that."""

import socket
from dataclasses import replace

from harness import V4, V6, Counting, eventually, main
from harness.icmp import SHORTEST, TOO_BIG, Error
from harness.packets import ip_packet
from stations import StationCase

OTHER_ERRORS = {V4: [(3, 1), (3, 13), (11, 0), (12, 0)], V6: [(1, 0), (1, 1), (3, 0), (4, 0)]}
ROUTER = {V4: "192.0.2.99", V6: "2001:db8:77::99"}


class IcmpErrors(StationCase):
    def each_direction(self):
        """(sender, receiver) of a connection; routers stand on the side of the receiver."""
        for family in self.each_family():
            for upwards in True, False:
                with self.established(family) as ends:
                    yield ends if upwards else tuple(reversed(ends))

    def pass_one(self, sender, receiver, size=1000):
        """A segment as it was sent, and as a router on the receiver's side sees it."""
        sent = sender.push(bytes(size))
        return sent, receiver.receive(lambda s: s.payload, "segment")

    @staticmethod
    def tell(receiver, quote, kind=None, mtu=1400):
        family = receiver.station.family
        receiver.station.send_packet(Error(ROUTER[family], receiver.target[0], mtu, quote, kind).packet())

    def translated(self, sender, sent, arrived, kind=None, mtu=1400, length=0):
        """Receives the error at the sender: about its own packet, from whom it talks to."""
        error, family = sender.station.error(), sender.station.family
        self.assertEqual((error.source, error.kind, error.mtu), (sender.target[0], kind or TOO_BIG[family], mtu))
        original = replace(sent, ttl=arrived.ttl).packet()
        start = length or SHORTEST[family]
        self.assertEqual(error.quote[:start], original[:start])
        return error

    def nothing_comes(self, sender, receiver):
        """A later packet on the same way was received, so what did not come before it will not come."""
        sent = sender.push(b"later")
        receiver.receive(lambda s: s.payload == b"later" and s.end - s.seq == 5, "later segment")
        receiver.ack = (receiver.ack + sent.end - sent.seq) % (1 << 32)
        receiver.push(b"back")
        sender.receive(lambda s: s.payload == b"back", "answer")
        sender.ack = (sender.ack + 4) % (1 << 32)
        self.assertEqual(sender.station.errors(), [])

    def test_too_big_with_quotes_of_any_length(self):
        for sender, receiver in self.each_direction():
            sent, arrived = self.pass_one(sender, receiver)
            packet, shortest = arrived.packet(), SHORTEST[sender.station.family]
            for length in shortest, shortest + 4, shortest + 12, 548, len(packet):
                self.tell(receiver, packet[:length])
                error = self.translated(sender, sent, arrived)
                self.assertEqual(error.quote[shortest:], packet[shortest:length], "what follows is as it was")

    def test_every_kind_of_error(self):
        for sender, receiver in self.each_direction():
            sent, arrived = self.pass_one(sender, receiver)
            for kind in OTHER_ERRORS[sender.station.family]:
                self.tell(receiver, arrived.packet(), kind, mtu=0)
                self.translated(sender, sent, arrived, kind, mtu=0)

    def test_quote_with_options_between_the_headers(self):
        for sender, receiver in self.each_direction():
            sent, arrived = self.pass_one(sender, receiver)
            other = ({"ip_options": b"\x94\x04\x00\x00" + b"\x01\x01\x01\x00"} if sender.station.family == V4
                     else {"extension": (60, bytes([0, 1, 4, 0, 0, 0, 0]))})
            length = SHORTEST[sender.station.family] + 8
            self.tell(receiver, replace(arrived, **other).packet()[:length])
            self.translated(sender, replace(sent, **other), arrived, length=length)

    def test_quote_of_a_first_fragment(self):
        for sender, receiver in self.each_direction():
            sent, arrived = self.pass_one(sender, receiver)
            self.tell(receiver, self.fragment(arrived, arrived.tcp()[:800], (0, True)))
            error = sender.station.error()
            self.assertEqual(error.quote, self.fragment(replace(sent, ttl=arrived.ttl), self.mixed(sent, arrived)[:800], (0, True)))

    @staticmethod
    def mixed(sent, arrived):
        """TCP of a quote after translation: ports and sequence number of the sender, the rest as a router saw it."""
        return sent.tcp()[:8] + arrived.tcp()[8:]

    @staticmethod
    def fragment(segment, tcp, place):
        return ip_packet(segment.source, segment.destination, socket.IPPROTO_TCP, tcp, segment.ttl, fragment=place)

    def test_quote_of_a_later_fragment_is_not_taken_for_a_header(self):
        """Its bytes look like our ports and a good sequence number, but they are data."""
        for sender, receiver in self.each_direction():
            _, arrived = self.pass_one(sender, receiver)
            with Counting(self.agent) as counted:
                self.tell(receiver, self.fragment(arrived, arrived.tcp()[:800], (1480, False)))
                self.nothing_comes(sender, receiver)
                self.assertEqual(counted["icmp_translated"], 0)

    def test_quote_shorter_than_rfc_792_allows(self):
        for sender, receiver in self.each_direction():
            _, arrived = self.pass_one(sender, receiver)
            with Counting(self.agent) as counted:
                for missing in 1, 4, 8, 9:
                    self.tell(receiver, arrived.packet()[:SHORTEST[sender.station.family] - missing])
                self.nothing_comes(sender, receiver)
                self.assertEqual(counted["icmp_translated"], 0)

    def test_forged_quote_outside_of_the_window_is_ignored(self):
        """RFC 5927 4.1: nothing beyond what was sent, nothing that has been acknowledged."""
        for sender, receiver in self.each_direction():
            acknowledged = sender.push(bytes(500))
            receiver.data(500)
            sender.receive(lambda s: s.ack == acknowledged.end, "acknowledgement")
            sent, arrived = self.pass_one(sender, receiver)
            with Counting(self.agent) as counted:
                forged = [1001, 1 << 16, 1 << 30, (1 << 31) - 1, 1 << 31, -2, -500, -(1 << 16), -(1 << 30)]
                for offset in forged:
                    self.tell(receiver, replace(arrived, seq=arrived.seq + offset).packet()[:SHORTEST[sender.station.family]])
                eventually(lambda: counted["icmp_out_of_window"] == len(forged), "each is counted")
                self.assertEqual(sender.station.errors(), [])
                self.assertEqual(counted["icmp_translated"], 0)
                good = [-1, 0, 500, 1000]  # a keepalive probe's, the first, one in the middle, an ACK's
                for offset in good:
                    self.tell(receiver, replace(arrived, seq=arrived.seq + offset).packet())
                    self.translated(sender, replace(sent, seq=sent.seq + offset), arrived)
                self.assertEqual(counted["icmp_translated"], len(good))


if __name__ == "__main__":
    main()
