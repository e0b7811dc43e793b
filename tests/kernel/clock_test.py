# SPDX-License-Identifier: Apache-2.0
"""
Steps of the wall clock, as NTP or an administrator makes them: no timeout of the data path may follow them. The clock is
the whole machine's, so scripts/kernel-matrix --run executes this in a virtual machine.
"""

import os
import time
import unittest

from harness import FAMILIES, Case, eventually, host_of, main
from harness.clients import connect
from harness.hello import made
from harness.servers import read_exactly

DAY = 24 * 3600  # seconds; longer than any timeout
STEPS = (DAY, -2 * DAY, DAY)
HELLO = made(host_of("b1"), before=1200)
CUT = 1000


@unittest.skipUnless(os.environ.get("SLIPGATE_VIRTUAL_MACHINE"), "sets the clock of the whole machine")
class Clock(Case):
    backends = 1
    echo = True

    def step(self, seconds):
        time.clock_settime(time.CLOCK_REALTIME, time.time() + seconds)

    def open(self, family):
        connection = connect(self.client, self.target(family))
        self.addCleanup(connection.close)
        return connection

    def assert_echoes(self, connection, data):
        connection.sendall(data)
        self.assertEqual(read_exactly(connection, len(data)), data)

    def test_nothing_follows_a_step(self):
        """At each step there are connections that live, one that has sent half its hello, and new ones."""
        live = [self.open(family) for family in FAMILIES]
        for connection in live:
            self.assert_echoes(connection, HELLO)
        before = self.agent.counters()
        for step in STEPS:
            half = [self.open(family) for family in FAMILIES]
            for connection in half:
                connection.sendall(HELLO[:CUT])
            self.step(step)
            for connection in half:  # before any answer is waited for: half a hello may not rest for long
                connection.sendall(HELLO[CUT:])
            for connection in half:
                self.assertEqual(read_exactly(connection, len(HELLO)), HELLO)
            new = [self.open(family) for family in FAMILIES]
            for connection in new:
                self.assert_echoes(connection, HELLO)
            for connection in live:
                self.assert_echoes(connection, b"still here")
            for connection in half + new:
                connection.close()
        count = len(STEPS) * len(FAMILIES) * 2
        eventually(lambda: len(self.agent.access_log(reason="fin")) == count, "their lines are in the access log")
        for line in self.agent.access_log():
            self.assertLess(abs(float(line["duration"])), DAY / 2, line)
        after = self.agent.counters()
        for name in "rst_sent", "hello_stalled":
            self.assertEqual(after[name], before[name], name)


if __name__ == "__main__":
    main()
