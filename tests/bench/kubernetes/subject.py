# SPDX-License-Identifier: Apache-2.0
"""The agent that is measured: what its log and the kernel tell of it."""

import datetime
import re
import time

from bench.harness import memory
from harness.kube import ClusterSlipgated
from harness.wait import eventually

IN_THE_MAPS = re.compile(r'msg="the change is in the maps" after_us=(\d+)$', re.MULTILINE)
COMPLETE = re.compile(r'^time=(\S+) .* msg="configuration is in the data path"', re.MULTILINE)
START_PATIENCE = 300  # seconds
STATUS_PATIENCE = 900


def seconds_of(timestamp):
    return datetime.datetime.fromisoformat(timestamp).timestamp()


class Subject(ClusterSlipgated):
    def __init__(self, gateway, kubeconfig):
        super().__init__(gateway, kubeconfig)
        self.flags = ["--log-level", "debug"]

    def command(self):
        return [self.program, *self.source(), "--pin-dir", self.pins, *self.flags]

    def start_timed(self):
        """Seconds from the start of the process until the maps held everything."""
        self.log.unlink(missing_ok=True)
        start = time.time()
        self.launch()
        found = eventually(lambda: self._process.running and COMPLETE.search(self.log_text()) or None, "the maps are complete",
                           START_PATIENCE)
        return seconds_of(found[1]) - start

    def statuses_timed(self):
        """Seconds from now until there is nothing left to write."""
        start = time.monotonic()
        eventually(lambda: self.metric("slipgate_status_writer") == 1 and self.metric("slipgate_status_pending") == 0,
                   "all statuses are written", STATUS_PATIENCE)
        return time.monotonic() - start

    def log_text(self):
        return self.log.read_text() if self.log.exists() else ""

    def applied(self):
        """After how many seconds each change so far was in the maps."""
        return [int(after) / 1e6 for after in IN_THE_MAPS.findall(self.log_text())]

    def ipv4_slots(self):
        """{key of a backend: its index in the map `backends`}, see SG_BACKEND_SLOT in abi.h."""
        return {entry["value"]["text"]: 2 * entry["key"] for entry in self.dump("backend_names")}

    def memory(self):
        """Bytes: {"pss": now, "peak": the largest resident set so far, "maps": of the BPF maps it holds}."""
        pid = self._process.pid
        return {"pss": memory.pss(pid), "peak": memory.peak_rss(pid), "maps": memory.bpf_maps(pid)}
