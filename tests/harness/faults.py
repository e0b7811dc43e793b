# SPDX-License-Identifier: Apache-2.0
"""What a wire does to the packets of one connection, by their position: the plans of wire.bpf.c."""

import struct
from dataclasses import dataclass, field

from .bpf_map import Map
from .topology import V6
from .wire import PINS

POSITIONS = 64
_FAULT = struct.Struct("=BxH")
_KEY = struct.Struct("=IHH")
_COUNTS = struct.Struct("=III")


@dataclass(frozen=True)
class Fault:
    name: str
    kind: int
    bit: int = 0

    def __str__(self):
        return self.name

    def packed(self):
        return _FAULT.pack(self.kind, self.bit)


NONE = Fault("none", 0)
LOSE = Fault("lost", 1)
DUPLICATE = Fault("duplicated", 2)
LATE = Fault("reordered", 3)
STALE = Fault("delayed", 4)
AGAIN = Fault("duplicated late", 5)


def _flip(what, bit):
    return Fault(f"bit of {what} flipped", 6, bit)


FLIP_LAST = _flip("the last byte", 0xFFF8)  # of the payload, where there is one
# One bit of each field of the TCP header (RFC 9293 3.1), high enough to matter and low enough to look plausible. Each has a
# column of its own in the checksum's 16-bit words, that of FLIP_LAST included: in no packet do two flips cancel out.
FLIP_HEADER = (_flip("the source port", 12), _flip("the destination port", 25), _flip("seq", 53), _flip("ack", 84),
               _flip("the data offset", 99), _flip("RST", 109), _flip("SYN", 110), _flip("FIN", 111),
               _flip("the window", 118), _flip("the options", 186))
ALL = (LOSE, DUPLICATE, LATE, STALE, AGAIN, FLIP_LAST, *FLIP_HEADER)


@dataclass
class Plan:
    """Faults of one direction of one connection: by position of the packet, and of its first FIN."""

    faults: dict = field(default_factory=dict)  # {position: Fault}
    fin: Fault = NONE

    def packed(self):
        faults = (self.faults.get(position, NONE).packed() for position in range(POSITIONS))
        return b"".join(faults) + self.fin.packed() + bytes(_COUNTS.size)


class Plans:
    """The plans in force. A connection is named by the port of the host at the wire's end."""

    _SIZE = (POSITIONS + 1) * _FAULT.size + _COUNTS.size

    def __init__(self):
        """There must be a wire already."""
        self._map = Map(PINS / "plans")

    def set(self, direction, port, family, plan):
        """`direction`: from_host or to_host of a Wire."""
        self._map.update(self._key(direction, port, family), plan.packed())

    def counts(self, direction, port, family):
        """(packets, FINs, faults that took place)."""
        return _COUNTS.unpack(self._map.lookup(self._key(direction, port, family), self._SIZE)[-_COUNTS.size:])

    def delete(self, direction, port, family):
        self._map.delete(self._key(direction, port, family))

    def close(self):
        self._map.close()

    @staticmethod
    def _key(direction, port, family):
        return _KEY.pack(direction.index, port, family == V6)
