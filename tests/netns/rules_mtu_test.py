# SPDX-License-Identifier: Apache-2.0
"""Rule of MSS and MTU: segments are made to fit, and the sender of one that does not fit is told so."""

import socket
import struct

from harness import V4, V6, Counting, eventually, main
from harness.clients import connect
from harness.hello import made
from harness.icmp import TOO_BIG, Error
from harness.namespace import ip
from harness.nginx import PORT
from harness.packets import ACK, PSH, checksum, ip_packet, option
from harness.servers import Server, read_to_end
from harness.station import Conversation, Station
from stations import HOST, StationCase

HEADERS = {V4: 40, V6: 60}
QUOTE = {V4: 576 - 28, V6: 1280 - 48}  # RFC 1812 4.3.2.3, RFC 4443 2.4
ENDPOINT, CLIENT = "to-b1", "to-c1"  # the gateway's interfaces


class RulesOfTheMtu(StationCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.addClassCleanup(Server(cls.network.backends[0], PORT, read_to_end).close)

    # ---- what is announced and sent ----

    def announced(self, family):
        """The MSS in the SYN-ACK of the VIP."""
        station = Station(self.client, family)
        try:
            answer = Conversation(station, self.target(family)).syn()
        finally:
            station.close()
        return int.from_bytes(option(answer, 2), "big")

    def announces(self, mtu):
        for family in self.each_family():
            wanted = mtu - HEADERS[family]
            eventually(lambda: self.announced(family) == wanted, f"the VIP announces an MSS of {wanted}")

    def test_rule_04_mss_of_the_vip_follows_the_interfaces(self):
        self.announces(1500)
        for port in CLIENT, ENDPOINT:
            self.gateway_mtu(port, 1400)
            self.announces(1400)
            ip("link", "set", port, "mtu", 1500, namespace="gw")
            self.announces(1500)

    def test_rule_04_mss_of_the_vip_follows_the_routes_to_its_endpoints(self):
        routes = [(f"{self.endpoint_address[V4]}/32", 1300), (f"{self.endpoint_address[V6]}/128", 1300)]
        for route, mtu in routes:
            ip("route", "add", route, "dev", ENDPOINT, "mtu", mtu, namespace="gw")
        self.announces(1300)
        for route, _ in routes:
            ip("route", "change", route, "dev", ENDPOINT, "mtu", 1350, namespace="gw")
        self.announces(1350)
        for route, _ in routes:
            ip("route", "del", route, "dev", ENDPOINT, namespace="gw")
        self.announces(1500)

    def test_rule_04_mss_is_what_the_flag_says(self):
        def again(flags):
            self.agent.terminate()
            self.agent.flags = flags
            self.agent.start()
        self.addCleanup(again, self.flags)
        again(("--mss", "1000"))
        self.gateway_mtu(ENDPOINT, 1400)
        for family in self.each_family():
            self.assertEqual(self.announced(family), 1000)

    def hello_sizes(self, family, segment_size):
        """Payload sizes of a long hello on its way to an endpoint with that MSS."""
        with self.stations(family) as (client_station, endpoint_station):
            client, hello = Conversation(client_station, self.target(family)), made(HOST, after=3000)
            client.open()
            parts = [hello[at:at + 1200] for at in range(0, len(hello), 1200)]
            for part in parts:
                client.push(part)
            endpoint, sizes, stream = self.accept(endpoint_station, segment_size), [], b""
            while len(stream) < len(hello):
                segment = endpoint.receive(lambda s: s.payload and s.seq == endpoint.ack, "part of the hello")
                sizes.append(len(segment.payload))
                stream += segment.payload
                endpoint.ack = segment.end
            self.assertEqual(stream, hello)
            client.abort()
        return sizes

    def test_rule_04_hello_is_cut_to_the_mss_of_the_endpoint(self):
        for family in self.each_family():
            self.assertEqual(self.hello_sizes(family, 1000)[:3], [1000] * 3)

    def test_rule_04_hello_is_cut_to_the_mtu_of_its_way(self):
        self.gateway_mtu(ENDPOINT, 1400)
        for family in self.each_family():
            self.assertEqual(self.hello_sizes(family, 1460)[:2], [1400 - HEADERS[family]] * 2)

    # ---- what does not fit ----

    def test_rule_04_too_big_for_the_way_is_answered_in_both_directions(self):
        """A packet of the MTU passes; one byte more, and its sender is told, by the address it talks to."""
        for port in ENDPOINT, CLIENT:
            self.gateway_mtu(port, 1400)
            for family in self.each_family():
                for dont_fragment in (True, False) if family == V4 else (False,):
                    with self.established(family) as ends:
                        sender, receiver = ends if port == ENDPOINT else reversed(ends)
                        self.noticed(sender, receiver, 1400)
                        self.one_byte_more(family, sender, receiver, dont_fragment)
            ip("link", "set", port, "mtu", 1500, namespace="gw")

    def one_byte_more(self, family, sender, receiver, dont_fragment):
        fits = bytes(range(256)) * 5 + bytes(1400 - HEADERS[family] - 1280)
        sender.send(ACK | PSH, fits, dont_fragment=dont_fragment)
        self.assertEqual(receiver.data(len(fits)), fits)
        with Counting(self.agent) as counted:
            sent = sender.send(ACK | PSH, fits + b"!", dont_fragment=dont_fragment)
            error = sender.station.error()
            self.assertEqual((error.source, error.kind, error.mtu), (sender.target[0], TOO_BIG[family], 1400))
            self.assertEqual(error.quote, sent.packet()[:QUOTE[family]])
            self.assertEqual(counted["too_big"], 1)
        sender.send(ACK | PSH, fits, at=sent.seq - sender.isn - 1)
        self.assertEqual(receiver.data(len(fits)), fits, "smaller segments get through")
        sender.seq = (sent.seq + len(fits)) % (1 << 32)

    def test_rule_04_packet_with_options_in_front_of_tcp_is_quoted_whole(self):
        self.gateway_mtu(ENDPOINT, 1400)
        options = {V4: {"ip_options": b"\x94\x04\x00\x00" + b"\x01\x01\x01\x00"}, V6: {"extension": (60, bytes([0, 1, 4, 0, 0, 0, 0]))}}
        for family in self.each_family():
            with self.established(family) as (client, endpoint):
                self.noticed(client, endpoint, 1400)
                sent = client.send(ACK | PSH, bytes(1400), **options[family])
                error = client.station.error()
                self.assertEqual((error.mtu, error.quote), (1400, sent.packet()[:QUOTE[family]]))

    def test_rule_04_packet_of_a_kernel_with_offloads_is_quoted_as_it_was_sent(self):
        """Checksum and segmentation left to the device: the error is complete and quotes an intact header, TCP goes on."""
        self.addCleanup(self.client.offloads, "eth0", True)
        for family in self.each_family():
            for segmentation in "on", "off":
                self.client.run("ethtool", "-K", "eth0", "tso", segmentation, "gso", segmentation, "tx", "on")
                for version in "-4", "-6":
                    ip(version, "route", "flush", "cache", namespace=self.client.name)
                with connect(self.client, self.target(family)) as connection, Counting(self.agent) as counted:
                    connection.sendall(made("b1.example.com"))
                    eventually(lambda: counted["established"] == 1, "connection")
                    sniffer = Station(self.client, family, 2)  # the address of the client itself
                    self.gateway_mtu(ENDPOINT, 1400)

                    def told():
                        connection.sendall(bytes(1 << 17))
                        return sniffer.errors()
                    error = eventually(told, "the sender is told of the new MTU")[0]
                    connection.shutdown(socket.SHUT_WR)
                    self.assertEqual(connection.recv(1), b"", "the server has read it all")
                    self.check(family, error, connection.getsockname()[1])
                    sniffer.close()
                ip("link", "set", ENDPOINT, "mtu", 1500, namespace="gw")

    def check(self, family, error, port):
        vip = self.target(family)
        start = HEADERS[family] - 20
        source, destination = (error.quote[12:16], error.quote[16:20]) if family == V4 else (error.quote[8:24], error.quote[24:40])
        self.assertEqual((error.source, error.kind, error.mtu), (vip[0], TOO_BIG[family], 1400))
        self.assertEqual(len(error.quote), QUOTE[family])
        self.assertEqual((socket.inet_ntop(family, source), socket.inet_ntop(family, destination)), (error.destination, vip[0]))
        self.assertEqual(error.quote[9 if family == V4 else 6], socket.IPPROTO_TCP)
        self.assertEqual(error.quote[8 if family == V4 else 7], 64, "TTL")
        self.assertEqual(struct.unpack_from("!HH", error.quote, start), (port, vip[1]))
        if family == V4:
            self.assertEqual(checksum(error.quote[:20]), 0)

    def test_rule_04_path_mtu_the_gateway_learned_counts_for_packets_and_not_for_the_mss(self):
        for family in self.each_family():
            with self.established(family) as (client, endpoint):
                self.learn(family, endpoint.station, 1400)
                self.noticed(client, endpoint, 1400)
                self.one_byte_more(family, client, endpoint, False)
            self.gateway_mtu(CLIENT, 1490)
            self.announces(1490)
            ip("link", "set", CLIENT, "mtu", 1500, namespace="gw")
            self.announces(1500)  # computed anew, while the kernel still knows better
            self.assertIn("mtu 1400", self.gateway.run("ip", "route", "get", self.endpoint_address[family]).stdout)

    def learn(self, family, router, mtu):
        """Makes the gateway's kernel believe in that path MTU to the endpoint, as an error about a datagram of its own does."""
        for version in "-4", "-6":
            self.addCleanup(ip, version, "route", "flush", "cache", namespace="gw")
        with self.gateway.socket(family, socket.SOCK_DGRAM) as own:
            own.connect((self.endpoint_address[family], 9))
            source, port = own.getsockname()[:2]
            datagram = struct.pack("!HHHH", port, 9, 8 + 1480, 0) + bytes(1480)
            quote = ip_packet(source, self.endpoint_address[family], socket.IPPROTO_UDP, datagram)[:QUOTE[family]]
            router.send_packet(Error(self.endpoint_address[family], source, mtu, quote).packet())
            eventually(lambda: f"mtu {mtu}" in self.gateway.run("ip", "route", "get", self.endpoint_address[family]).stdout, "learned")

    def test_rule_04_errors_are_limited(self):
        self.gateway_mtu(ENDPOINT, 1400)
        with self.established(V4) as (client, endpoint), Counting(self.agent) as counted:
            self.noticed(client, endpoint, 1400)
            large = client.segment(ACK, bytes(1400)).packet()

            def flood():
                for _ in range(5000):
                    client.station.send_packet(large)
                return counted["too_big_limited"] > 0
            eventually(flood, "errors are withheld")
            self.assertGreater(counted["too_big"], 0)
            client.station.errors()


if __name__ == "__main__":
    main()
