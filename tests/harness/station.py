# SPDX-License-Identifier: Apache-2.0
"""
A host without a TCP stack: an address beside a client's or backend's own, whose packets the test sends and reads itself.
The kernel of the host leaves that address alone, so it neither answers nor resets.
"""

import itertools
import socket
import struct
import time

from . import icmp
from .namespace import ip
from .packets import ACK, ETHERTYPE, MODULUS, PSH, RST, SYN, V4, Segment, mss, parse
from .wait import PATIENCE

ETH_P_ALL, SOL_PACKET, PACKET_AUXDATA, PACKET_OUTGOING = 3, 263, 8, 4
SO_RCVBUFFORCE = 33
CHECKSUM_NOT_READY = 1 << 3  # TP_STATUS_CSUMNOTREADY: the sender's stack left the checksum to a device


class Station:
    def __init__(self, host, family, number=77):
        self.host, self.family = host, family
        self.address = host.address[family].rpartition("." if family == V4 else ":")[0] + (f".{number}" if family == V4 else f":{number}")
        ip("neigh", "replace", self.address, "lladdr", host.mac, "dev", host.port, "nud", "permanent", namespace="gw")
        self._socket = host.socket(socket.AF_PACKET, socket.SOCK_RAW)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, 1 << 24)
        self._socket.bind(("eth0", ETH_P_ALL))
        self._socket.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        self._backlog = []  # segments that no receive() asked for yet
        self._errors = []  # ICMP errors that no error() asked for yet

    def send(self, segment, tag=None):
        self.send_packet(segment.packet(), tag)

    def send_packet(self, packet, tag=None):
        """An IP packet, in an Ethernet frame to the gateway; `tag`: 802.1Q VLAN identifier."""
        addresses = bytes.fromhex((self.host.gateway_mac + self.host.mac).replace(":", ""))
        vlan = struct.pack("!HH", 0x8100, tag) if tag else b""
        self._socket.send(addresses + vlan + struct.pack("!H", ETHERTYPE[self.family]) + packet)

    def receive(self, wanted=lambda segment: True, patience=PATIENCE, what="segment"):
        """The first segment to this address that `wanted` accepts; AssertionError if none comes."""
        deadline = time.monotonic() + patience
        while True:
            for segment in self._backlog:
                if wanted(segment):
                    self._backlog.remove(segment)
                    return segment
            self._socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                self._read()
            except TimeoutError:
                seen = "\n".join(map(str, self._backlog))
                raise AssertionError(f"{self.address}: no {what} within {patience} s; received:\n{seen}") from None

    def syn(self, port, source=None):
        """The first SYN to that port, from that address if one is given."""
        return self.receive(lambda s: s.flags == SYN and s.destination_port == port and source in (None, s.source),
                            what=f"SYN from {source or 'anywhere'}")

    def answer(self, syn):
        """Sends a SYN-ACK, as a server does that knows no options but the MSS."""
        self.send(Segment(self.address, syn.source, syn.destination_port, syn.source_port, 7000, syn.end, SYN | ACK, options=mss(1400)))

    def error(self, patience=PATIENCE):
        """The first ICMP error to this address; AssertionError if none comes."""
        deadline = time.monotonic() + patience
        while not self._errors:
            self._socket.settimeout(max(0.01, deadline - time.monotonic()))
            try:
                self._read()
            except TimeoutError:
                raise AssertionError(f"{self.address}: no ICMP error within {patience} s") from None
        return self._errors.pop(0)

    def errors(self):
        """The ICMP errors that came until now and were not asked for."""
        self._backlog = self.received()
        found, self._errors = self._errors, []
        return found

    def received(self):
        """Everything that came until now and was not asked for."""
        self._socket.setblocking(False)
        try:
            while True:
                self._read()
        except BlockingIOError:
            pass
        found, self._backlog = self._backlog, []
        return found

    def _read(self):
        frame, ancillary, _, source = self._socket.recvmsg(1 << 17, 256)
        if source[2] == PACKET_OUTGOING:
            return
        error = icmp.parse(frame)
        if error and error.destination == self.address:
            self._errors.append(error)
        segment = parse(frame)
        if segment is None or segment.destination != self.address:
            return
        for _, kind, data in ancillary:
            if kind == PACKET_AUXDATA and struct.unpack_from("=I", data)[0] & CHECKSUM_NOT_READY:
                segment.bad_checksum = False
        if segment.bad_checksum:
            raise AssertionError(f"wrong TCP checksum: {segment}")
        self._backlog.append(segment)

    def close(self):
        self._socket.close()
        ip("neigh", "del", self.address, "dev", self.host.port, namespace="gw")


class Conversation:
    """One TCP connection of a station, segment by segment. `seq` and `ack` follow what was sent and received in order."""

    _ports = itertools.count(20000)

    def __init__(self, station, target, port=None, isn=0x10000000, options=mss(1460)):
        self.station, self.target, self.options = station, target, options
        self.port = port or next(self._ports)
        self.isn = self.seq = isn
        self.ack = 0

    def segment(self, flags=ACK, payload=b"", at=None, **other):
        """`at`: offset in the stream of data, instead of the next sequence number."""
        seq = self.seq if at is None else (self.isn + 1 + at) % MODULUS
        address, port = self.target
        return Segment(self.station.address, address, self.port, port, seq, self.ack if flags & ACK else 0, flags, payload=payload, **other)

    def send(self, flags=ACK, payload=b"", at=None, **other):
        """Sends, and returns what was sent."""
        sent = self.segment(flags, payload, at, **other)
        self.station.send(sent)
        if at is None:
            self.seq = sent.end
        return sent

    def receive(self, wanted=lambda segment: True, what="segment", patience=PATIENCE):
        def ours(segment):
            return (segment.source, segment.source_port, segment.destination_port) == (*self.target, self.port) and wanted(segment)
        return self.station.receive(ours, patience, what)

    def received(self):
        return [s for s in self.station.received() if s.source_port == self.target[1] and s.destination_port == self.port]

    def syn(self):
        """Sends a SYN and returns the SYN-ACK; the third ACK is not sent."""
        self.send(SYN, options=self.options)
        answer = self.receive(lambda s: s.flags & (SYN | RST), "SYN-ACK")
        assert answer.flags == SYN | ACK and answer.ack == self.seq, answer
        self.ack = answer.end
        return answer

    def open(self):
        answer = self.syn()
        self.send(ACK)
        return answer

    def data(self, size):
        """Receives and acknowledges `size` bytes of the stream in order."""
        stream = b""
        while len(stream) < size:
            part = self.receive(lambda s: s.payload and s.seq == self.ack, f"data at {self.ack}")
            stream += part.payload
            self.ack = part.end
            self.send(ACK)
        return stream

    def push(self, payload):
        return self.send(PSH | ACK, payload)

    def expect_reset(self):
        return self.receive(lambda s: s.flags & RST, "RST")

    def abort(self):
        self.send(RST | ACK)
