# SPDX-License-Identifier: Apache-2.0
"""ICMP errors as bytes: built as a router would, and read back with every checksum verified."""

import socket
import struct
from dataclasses import dataclass

from .packets import ETHERTYPE, V4, V6, checksum, ip_packet

PROTOCOL = {V4: socket.IPPROTO_ICMP, V6: socket.IPPROTO_ICMPV6}
TOO_BIG = {V4: (3, 4), V6: (2, 0)}  # type and code: fragmentation needed (RFC 792), packet too big (RFC 4443)
SHORTEST = {V4: 20 + 8, V6: 40 + 8}  # of a quote, as RFC 792 allows


@dataclass
class Error:
    source: str
    destination: str
    mtu: int
    quote: bytes  # the packet it is about, or its begin
    kind: tuple = None  # type and code, of TOO_BIG if not given

    def __post_init__(self):
        self.kind = self.kind or TOO_BIG[self.family]

    @property
    def family(self):
        return V6 if ":" in self.source else V4

    def packet(self):
        """The IP packet."""
        body = struct.pack("!BBHI", *self.kind, 0, self.mtu) + self.quote
        body = body[:2] + struct.pack("!H", checksum(_pseudo_header(self, len(body)) + body)) + body[4:]
        return ip_packet(self.source, self.destination, PROTOCOL[self.family], body)


def _pseudo_header(error, length):
    if error.family == V4:
        return b""
    addresses = socket.inet_pton(V6, error.source) + socket.inet_pton(V6, error.destination)
    return addresses + struct.pack("!II", length, PROTOCOL[V6])


def parse(frame):
    """The ICMP error in an Ethernet frame, or None. A wrong checksum is an AssertionError."""
    packet = frame[14:]
    if int.from_bytes(frame[12:14], "big") == ETHERTYPE[V4] and packet[9] == PROTOCOL[V4]:
        family, start, length = V4, (packet[0] & 15) * 4, int.from_bytes(packet[2:4], "big")
        addresses = packet[12:16], packet[16:20]
        assert checksum(packet[:start]) == 0, "IP header checksum"
    elif int.from_bytes(frame[12:14], "big") == ETHERTYPE[V6] and packet[6] == PROTOCOL[V6]:
        family, start, length = V6, 40, 40 + int.from_bytes(packet[4:6], "big")
        addresses = packet[8:24], packet[24:40]
    else:
        return None
    body = packet[start:length]
    kind, code, _, mtu = struct.unpack("!BBHI", body[:8])
    if kind not in ((3, 11, 12) if family == V4 else (1, 2, 3, 4)):
        return None
    assert len(packet) >= length, "IP length"
    source, destination = (socket.inet_ntop(family, address) for address in addresses)
    error = Error(source, destination, mtu, body[8:], (kind, code))
    assert checksum(_pseudo_header(error, len(body)) + body) == 0, f"ICMP checksum of {error}"
    return error
