# SPDX-License-Identifier: Apache-2.0
"""TCP segments as bytes: built with chosen faults, and read back. Numbers in host order, addresses as text."""

import socket
import struct
from dataclasses import dataclass, field

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
V4, V6 = socket.AF_INET, socket.AF_INET6
ETHERTYPE = {V4: 0x0800, V6: 0x86DD}
MODULUS = 1 << 32


@dataclass
class Segment:
    source: str
    destination: str
    source_port: int
    destination_port: int
    seq: int = 0
    ack: int = 0
    flags: int = ACK  # of byte 13; 0x100: the last bit of byte 12, AE (RFC 9768)
    window: int = 65535
    options: bytes = b""  # of TCP, a multiple of 4
    payload: bytes = b""
    ttl: int = 64
    ip_options: bytes = b""  # IPv4 options, a multiple of 4
    extension: tuple = ()  # IPv6: (next header value, bytes) of one extension header, without its first byte
    dont_fragment: bool = field(default=False, compare=False)  # IPv4
    bad_checksum: bool = field(default=False, compare=False)

    @property
    def family(self):
        return V6 if ":" in self.source else V4

    @property
    def end(self):
        """Sequence number after this segment."""
        return (self.seq + len(self.payload) + bool(self.flags & SYN) + bool(self.flags & FIN)) % MODULUS

    def tcp(self):
        offset = (20 + len(self.options)) // 4 << 4 | self.flags >> 8
        header = struct.pack("!HHIIBBHHH", self.source_port, self.destination_port, self.seq % MODULUS, self.ack % MODULUS,
                             offset, self.flags & 0xFF, self.window, 0, 0)
        segment = header + self.options + self.payload
        sum_ = checksum(self._pseudo_header(len(segment)) + segment)
        if self.bad_checksum:
            sum_ ^= 0x5555
        return segment[:16] + struct.pack("!H", sum_) + segment[18:]

    def _pseudo_header(self, length):
        addresses = socket.inet_pton(self.family, self.source) + socket.inet_pton(self.family, self.destination)
        return addresses + struct.pack("!IHBB", length, 0, 0, socket.IPPROTO_TCP)

    def packet(self):
        """The IP packet."""
        return ip_packet(self.source, self.destination, socket.IPPROTO_TCP, self.tcp(), self.ttl, self.ip_options, self.extension,
                         dont_fragment=self.dont_fragment)


def ip_packet(source, destination, protocol, payload, ttl=64, ip_options=b"", extension=(), fragment=None,
              dont_fragment=False):
    """`fragment`: (offset in bytes, more) of an IPv4 fragment, or of the IPv6 fragment header that is put in front."""
    if ":" in source:
        if extension:
            kind, body = extension
            payload, protocol = bytes([protocol]) + body + payload, kind
        if fragment:
            offset, more = fragment
            payload, protocol = struct.pack("!BBHI", protocol, 0, offset | more, 4711) + payload, socket.IPPROTO_FRAGMENT
        return (struct.pack("!IHBB", 6 << 28, len(payload), protocol, ttl) + socket.inet_pton(V6, source)
                + socket.inet_pton(V6, destination) + payload)
    offset, more = fragment or (0, False)
    length = 20 + len(ip_options)
    header = (struct.pack("!BBHHHBBH", 4 << 4 | length // 4, 0, length + len(payload), 4711, dont_fragment << 14 | more << 13 | offset // 8,
                          ttl, protocol, 0)
              + socket.inet_pton(V4, source) + socket.inet_pton(V4, destination) + ip_options)
    return header[:10] + struct.pack("!H", checksum(header)) + header[12:] + payload


def fragments(segment, first_size):
    """The segment as two IP fragments, the first with `first_size` bytes (a multiple of 8) of TCP."""
    tcp = segment.tcp()
    return [ip_packet(segment.source, segment.destination, socket.IPPROTO_TCP, part, fragment=(offset, more))
            for part, offset, more in ((tcp[:first_size], 0, True), (tcp[first_size:], first_size, False))]


def parse(frame):
    """The TCP segment in an Ethernet frame, or None. `bad_checksum` is set where the TCP checksum is wrong."""
    kind = int.from_bytes(frame[12:14], "big")
    packet = frame[14:]
    if kind == ETHERTYPE[V4] and packet[9] == socket.IPPROTO_TCP:
        family, start, ttl = V4, (packet[0] & 15) * 4, packet[8]
        tcp = packet[start:int.from_bytes(packet[2:4], "big")]
        source, destination = packet[12:16], packet[16:20]
    elif kind == ETHERTYPE[V6] and packet[6] == socket.IPPROTO_TCP:
        family, ttl = V6, packet[7]
        tcp = packet[40:40 + int.from_bytes(packet[4:6], "big")]
        source, destination = packet[8:24], packet[24:40]
    else:
        return None
    ports_and_more = struct.unpack("!HHIIBBHHH", tcp[:20])
    source_port, destination_port, seq, ack, offset, flags, window, _, _ = ports_and_more
    header = (offset >> 4) * 4
    segment = Segment(socket.inet_ntop(family, source), socket.inet_ntop(family, destination), source_port, destination_port,
                      seq, ack, flags | (offset & 1) << 8, window, tcp[20:header], tcp[header:], ttl)
    segment.bad_checksum = checksum(segment._pseudo_header(len(tcp)) + tcp) != 0
    return segment


def checksum(data):
    """RFC 1071."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data[:len(data) // 2 * 2]))
    total += data[-1] << 8 if len(data) % 2 else 0
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


# ---- options of a SYN ----

def mss(value):
    return struct.pack("!BBH", 2, 4, value)


def window_scale(shift):
    return struct.pack("!BBBB", 1, 3, 3, shift)


SACK_PERMITTED = b"\x01\x01\x04\x02"


def timestamps(value, echo):
    return b"\x01\x01" + struct.pack("!BBII", 8, 10, value, echo)


def option(segment, kind):
    """Data of a TCP option, None if absent."""
    rest = segment.options
    while rest and rest[0] != 0:
        if rest[0] == 1:
            rest = rest[1:]
            continue
        if rest[0] == kind:
            return rest[2:rest[1]]
        rest = rest[rest[1]:]
    return None
