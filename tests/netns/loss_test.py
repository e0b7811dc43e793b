# SPDX-License-Identifier: Apache-2.0
"""
1 % loss and 2 % reordering on both legs: TCP's own loss recovery works end to end through the splice. Packets are those
of a real network (no segmentation offload), so that each loss is one of a segment. How many of them were lost and delayed
must be what chance allows at p = 10^-6; a correct wire fails a run of this file about once in 10^4.
"""

import threading
from fractions import Fraction

from harness import FAMILIES, Case, host_of, main
from harness.binomial import bounds
from harness.clients import curl
from harness.nginx import make_file, sha256
from harness.sandbox import WORK

LOSS, DELAY = Fraction(1, 100), Fraction(2, 100)
SIZE = 20 << 20
PARALLEL = 100


class LossDirect(Case):
    direct = True
    wires = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.network.wire_like()
        cls.sum = make_file("loss", SIZE)

    def setUp(self):
        for family in FAMILIES:  # neighbours are known before anything is lost
            curl(self.client, self.target(family), host_of("b1"))
        self.hosts = [self.client, self.network.backends[0]]
        self.before = self.troubles()
        for wire in self.network.wires.values():
            wire.configure(loss=LOSS, delay=DELAY)
        self.addCleanup(lambda: [wire.configure() for wire in self.network.wires.values()])

    def troubles(self):
        """
        Connections reset, SACK blocks and checksums that made no sense. RSTs as such are no trouble: curl closes at once,
        and its kernel answers a late segment of the server with one, here as in the control.
        """
        return {(host.name, name): host.snmp()[name] for host in self.hosts
                for name in ("Tcp.EstabResets", "TcpExt.TCPSACKDiscard", "Tcp.InCsumErrors", "TcpExt.TCPAbortOnTimeout")}

    def check_wires(self):
        """The wires did lose and delay as they should, on both legs and in both directions."""
        for host in self.hosts:
            wire = self.network.wires[host.name]
            for port in wire.from_host, wire.to_host:
                packets, lost, delayed = port.counts()
                for count, trials, probability in (lost, packets, LOSS), (delayed, packets - lost, DELAY):
                    least, greatest = bounds(trials, probability)
                    self.assertGreater(least, 0, "enough packets to tell")
                    self.assertGreaterEqual(count, least)
                    self.assertLessEqual(count, greatest)

    def test_download_and_upload_have_equal_sha256_and_no_resets(self):
        for family in self.each_family():
            copy = WORK / "copy"
            curl(self.client, self.target(family), host_of("b1"), "/files/loss", "--output", copy)
            self.assertEqual(sha256(copy), self.sum)
            curl(self.client, self.target(family), host_of("b1"), "/upload/loss", "--upload-file", copy)
            self.assertEqual(sha256(WORK / "nginx-b1/upload/loss"), self.sum)
        self.check_wires()
        self.assertEqual(self.troubles(), self.before)

    def test_parallel_connections_are_all_served(self):
        for family in self.each_family():
            answers = []

            def ask():
                answers.append(curl(self.client, self.target(family), host_of("b1"), check=False).stdout)

            threads = [threading.Thread(target=ask) for _ in range(PARALLEL)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            self.assertEqual(answers, ["b1\n"] * PARALLEL)
        self.check_wires()
        self.assertEqual(self.troubles(), self.before)


class Loss(LossDirect):
    direct = False

    def troubles(self):
        ours = self.agent.counters()
        return super().troubles() | {name: ours[name] for name in ("rst_sent", "hello_stalled", "bad_checksum")}


if __name__ == "__main__":
    main()
