# SPDX-License-Identifier: Apache-2.0
"""
Opening a connection on a bad network: a ClientHello in two segments, reordered, each segment in turn lost, the third ACK
lost as well, and each step towards the endpoint lost once. Real clients; the kernel's TCP repairs what is lost.
"""

from contextlib import closing

from harness import FAMILIES, Case, host_of, main
from harness.clients import ChosenSegments, curl

# TCP packets of the client, by number on its wire.
SYN, THIRD_ACK, FIRST, SECOND = range(4)


class OpeningDirect(Case):
    direct = True
    wires = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.network.wire_like()
        cls.client.sysctl("net.ipv4.tcp_autocorking", 0)  # each write is a segment
        for family in FAMILIES:  # neighbours are known before anything is lost
            for index in range(len(cls.network.backends)):
                curl(cls.client, cls.target(cls, family, index), host_of(f"b{index + 1}"))
        cls.wire, cls.backend_wire = cls.network.wires["c1"], cls.network.wires["b1"]

    def setUp(self):
        self.before = self.troubles()

    def tearDown(self):
        self.assertEqual(self.troubles(), self.before)

    def troubles(self):
        return {name: self.client.snmp()[name] for name in ("Tcp.EstabResets", "Tcp.AttemptFails", "Tcp.InCsumErrors")}

    def check(self, lose=(), late=(), cut=200, size=0):
        for family in self.each_family():
            self.wire.from_host.configure(lose=lose, late=late)
            trust = [self.certificates["b1"]]
            with closing(ChosenSegments(self.client, self.target(family), host_of("b1"), size, trust)) as client:
                self.assertGreater(len(client.hello), cut)
                client.send(client.hello[:cut])
                client.send(client.hello[cut:])
                answer = client.request("GET / HTTP/1.0\r\n\r\n")
            self.assertEqual(answer.splitlines()[-1], "b1")
            _, lost, delayed = self.wire.from_host.counts()
            self.assertEqual((lost, delayed), (len(lose), len(late)))

    def test_hello_in_two_segments(self):
        self.check()

    def test_hello_in_two_full_segments(self):
        self.check(cut=1400, size=2000)

    def test_hello_cut_inside_the_record_header(self):
        self.check(cut=3)

    def test_segments_in_reverse_order(self):
        self.check(late={FIRST})

    def test_syn_lost(self):
        self.check(lose={SYN})

    def test_third_ack_lost(self):
        self.check(lose={THIRD_ACK})

    def test_first_segment_lost(self):
        self.check(lose={FIRST})

    def test_second_segment_lost(self):
        self.check(lose={SECOND})

    def test_both_segments_lost(self):
        self.check(lose={FIRST, SECOND})

    def test_third_ack_and_first_segment_lost(self):
        self.check(lose={THIRD_ACK, FIRST})

    def test_third_ack_and_second_segment_lost(self):
        self.check(lose={THIRD_ACK, SECOND})

    def test_third_ack_lost_and_segments_in_reverse_order(self):
        self.check(lose={THIRD_ACK}, late={FIRST})

    def check_backend_leg(self, port, number):
        for family in self.each_family():
            port.configure(lose={number})
            answer = curl(self.client, self.target(family), host_of("b1"), trust=self.certificates["b1"])
            self.assertEqual(answer.stdout, "b1\n")
            self.assertEqual(port.counts()[1], 1)

    def test_syn_to_the_endpoint_lost(self):
        self.check_backend_leg(self.backend_wire.to_host, 0)

    def test_syn_ack_of_the_endpoint_lost(self):
        self.check_backend_leg(self.backend_wire.from_host, 0)

    def test_hello_to_the_endpoint_lost(self):
        self.check_backend_leg(self.backend_wire.to_host, 1)

    def test_first_answer_of_the_endpoint_lost(self):
        self.check_backend_leg(self.backend_wire.from_host, 1)


class Opening(OpeningDirect):
    direct = False

    def troubles(self):
        ours = self.agent.counters()
        return super().troubles() | {name: ours[name] for name in ("rst_sent", "hello_stalled", "endpoint_timeout")}


if __name__ == "__main__":
    main()
