# SPDX-License-Identifier: Apache-2.0
"""Connections whose both ends are stations: every packet on either side of the gateway is one the test sends or reads."""

import contextlib

from harness import FAMILIES, V4, Case, eventually, manifests
from harness.hello import made
from harness.namespace import ip
from harness.nginx import PORT
from harness.packets import ACK, SYN, mss
from harness.station import Conversation, Station

NUMBER = 88  # of the endpoint's station on b1's link
HOST = "station.example.com"
HELLO = made(HOST)


class StationCase(Case):
    """A Service whose endpoint is a station."""

    nginx = False
    backends = 1

    @classmethod
    def write_manifests(cls):
        super().write_manifests()
        backend = cls.network.backends[0]
        cls.endpoint_address = {f: backend.address[f].rpartition("." if f == V4 else ":")[0] + (f".{NUMBER}" if f == V4 else f":{NUMBER}")
                                for f in FAMILIES}
        cls.agent.folder.write("station", manifests.backend("station", cls.endpoint_address.values(), PORT)
                               + [manifests.tls_route("station", [HOST], {"station": 1})])

    @contextlib.contextmanager
    def stations(self, family):
        with contextlib.closing(Station(self.client, family)) as client:
            with contextlib.closing(Station(self.network.backends[0], family, NUMBER)) as endpoint:
                yield client, endpoint

    @contextlib.contextmanager
    def established(self, family):
        """Both ends of a connection as Conversations, after the hello."""
        with self.stations(family) as (client_station, endpoint_station):
            client = Conversation(client_station, self.target(family))
            client.open()
            client.push(HELLO)
            endpoint = self.accept(endpoint_station)
            assert endpoint.data(len(HELLO)) == HELLO
            client.receive(lambda s: s.ack == client.seq, "acknowledgement of the hello")
            yield client, endpoint
            client.abort()

    @staticmethod
    def accept(station, segment_size=1460):
        """Answers the SYN to the endpoint; returns its side of the connection."""
        syn = station.syn(PORT)
        endpoint = Conversation(station, (syn.source, syn.source_port), PORT, isn=0x70000000, options=mss(segment_size))
        endpoint.ack = syn.end
        endpoint.send(SYN | ACK, options=endpoint.options)
        return endpoint

    def gateway_mtu(self, port, mtu):
        """Of the gateway's interface alone, until the end of the test."""
        self.addCleanup(ip, "link", "set", port, "mtu", 1500, namespace="gw")
        ip("link", "set", port, "mtu", mtu, namespace="gw")

    def noticed(self, sender, receiver, mtu):
        """Small segments pass until the way from sender to receiver has that MTU in its flow entry."""
        def look():
            sender.push(b"!")
            receiver.receive(lambda s: s.payload == b"!", "small segment")
            receiver.ack = receiver.ack + 1
            return any(e["value"]["flow"]["mtu"] == mtu and e["key"]["source_port"] == swapped(sender.port)
                       and e["key"]["destination_port"] == swapped(sender.target[1]) for e in self.agent.flows())
        eventually(look, f"MTU {mtu} in the flow entry")


def swapped(port):
    """A __be16 as bpftool shows it."""
    return int.from_bytes(port.to_bytes(2, "big"), "little")

