# SPDX-License-Identifier: Apache-2.0
"""
The emulator itself: Linux patches its own code while all CPUs run it (static keys), and a virtual machine whose CPUs do not
see it whole dies by "Oops: int3" now and then, whatever is being tested. scripts/kernel-matrix --run executes this.
"""

import multiprocessing
import os
import unittest
from pathlib import Path

STATISTICS = Path("/proc/sys/kernel/sched_schedstats")  # switches a static key in the scheduler's own paths
SWITCHES = 100


def switch_tasks(here, there):
    """Sends and receives a byte for ever, so that a CPU does little but change from one process to the other."""
    os.write(there, b"x")
    while os.read(here, 1):
        os.write(there, b"x")


@unittest.skipUnless(os.environ.get("SLIPGATE_VIRTUAL_MACHINE"), "a setting of the whole machine")
class Emulation(unittest.TestCase):
    def test_code_that_the_kernel_patches_is_seen_whole(self):
        for _ in range(os.cpu_count()):
            one, other = os.pipe(), os.pipe()
            for pipes in (one[0], other[1]), (other[0], one[1]):
                process = multiprocessing.Process(target=switch_tasks, args=pipes)
                process.start()
                self.addCleanup(process.join)
                self.addCleanup(process.kill)
        for _ in range(SWITCHES):
            for state in "1", "0":
                STATISTICS.write_text(state)
                self.assertEqual(STATISTICS.read_text().strip(), state)


if __name__ == "__main__":
    unittest.main(verbosity=2)
