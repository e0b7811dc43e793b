# SPDX-License-Identifier: Apache-2.0
"""
Everything at the same time, for SLIPGATE_SOAK seconds (default 60): long and short connections of both families; packets of
one flow handled by all CPUs in turn (RPS, switched all the time); routes, weights and endpoints rewritten without a
pause; the agent killed, stopped and started again and again, so that programs are replaced and garbage is collected
by one agent after the other. No byte is wrong, no connection that should live is reset.
"""

import itertools
import os
import random
import threading
import time
from pathlib import Path

from harness import FAMILIES, Case, eventually, libc, main, manifests
from harness.echo_load import EchoLoad, EchoServer, Kind
from harness.nginx import PORT
from harness.sandbox import WORK

SECONDS = float(os.environ.get("SLIPGATE_SOAK", "60"))
STEADY, MOVING = "steady.example.com", "moving.example.com"


def cpu_mask(cpu):
    """As sysfs takes it: words of 32 CPUs, the highest first."""
    return f"{1 << cpu % 32:x}" + ",00000000" * (cpu // 32)


class _Loop:
    """Repeats a function in a thread until closed. What it raised is raised again at the end."""

    def __init__(self, step, pause):
        self.steps, self._error = 0, None
        self._closing = threading.Event()

        def run():
            try:
                while not self._closing.wait(pause):
                    step()
                    self.steps += 1
            except Exception as error:  # shown by close()
                self._error = error

        self._thread = threading.Thread(target=run, daemon=True)
        self._thread.start()

    def close(self):
        self._closing.set()
        self._thread.join()
        if self._error:
            raise self._error


class Concurrency(Case):
    nginx = False
    backends = 3
    flags = ("--closing-time", "1s", "--log-level", "warn")

    @classmethod
    def setUpClass(cls):
        cls.dice = random.Random(3)
        super().setUpClass()
        for backend in cls.network.backends:
            cls.addClassCleanup(EchoServer(backend, PORT).close)
        sys = WORK / "sys"
        sys.mkdir()
        with cls.gateway.entered():  # a sysfs shows the namespace it was mounted in
            libc.mount("sysfs", sys, "sysfs")
        cls.queues = [Path(sys, "class/net", host.port, "queues/rx-0/rps_cpus")
                      for host in [*cls.network.clients, *cls.network.backends]]

    @classmethod
    def write_manifests(cls):
        super().write_manifests()
        cls.rewrite(cls)

    def rewrite(self):
        """Other weights, other endpoints, one route more or less. Whoever is chosen can answer."""
        dice, backends, folder = self.dice, self.network.backends, self.agent.folder
        for backend in backends:
            self.write_backend(backend.name, dice.sample(backends, dice.randint(1, len(backends))))
        weights = {backend.name: dice.choice((1, 2, 50)) for backend in dice.sample(backends, dice.randint(1, len(backends)))}
        folder.write("steady", [manifests.tls_route("steady", [STEADY], weights)])
        if dice.random() < 0.5:
            folder.write("moving", [manifests.tls_route("moving", [MOVING], weights)])
        elif (folder.path / "moving.yaml").exists():
            folder.remove("moving")

    def test_everything_at_the_same_time(self):
        received = self.received_by_rps()
        self.assertGreater(len(received), 1, "this test needs two CPUs")
        cpus, turns, ends = list(received), itertools.count(), itertools.cycle((self.agent.kill, self.agent.terminate))
        before, collected = self.resets(), [self.agent.counters()["gc_removed"]]

        def next_cpu():
            turn = next(turns)
            for number, queue in enumerate(self.queues):
                queue.write_text(cpu_mask(cpus[(turn + number) % len(cpus)]))

        def restart():
            next(ends)()
            self.agent.start()

        kinds = [Kind(STEADY, self.target(family), 8, long=True) for family in FAMILIES]
        kinds += [Kind(STEADY, self.target(family), 3) for family in FAMILIES]
        kinds += [Kind(MOVING, self.target(family), 1, may_be_refused=True) for family in FAMILIES]
        loads = [EchoLoad(self.client, kinds) for _ in range(2)]
        loops = {"switches of the CPU": _Loop(next_cpu, 0.002), "manifests written": _Loop(self.rewrite, 0.002),
                 "agents started": _Loop(restart, 1.5),  # each collects once a second
                 "looks at what is collected": _Loop(lambda: collected.append(self.agent.counters()["gc_removed"]), SECONDS / 10)}
        try:
            time.sleep(SECONDS)  # what is tested, not a guess
        finally:
            for loop in loops.values():
                loop.close()
        results = [load.finish() for load in loads]
        for load in loads:
            load.close()
        for counts, failures in results:
            self.assertEqual(failures, [])
            self.assertEqual(counts["long"], 16)
            self.assertGreater(counts["short"], 0)
        print({name: loop.steps for name, loop in loops.items()}, *(counts for counts, _ in results), f"collected {collected}")
        self.assertTrue(all(loop.steps > 1 for loop in loops.values()), "all of it went on")
        self.assertGreater(len(set(collected)), 2, "connections were collected meanwhile, more than once")
        idle = {cpu for cpu, packets in self.received_by_rps().items() if packets == received[cpu]}
        self.assertEqual(idle, set(), "every CPU had packets of another")
        refused = sum(counts.get("refused", 0) for counts, _ in results)
        self.assertEqual(self.resets(), before + refused, "connections reset are those that were refused")
        eventually(lambda: not self.agent.flows(), "every flow is closed and collected")
        counters = self.agent.counters()
        self.assertEqual({name: counters[name] for name in ("internal", "flow_table_full", "endpoint_refused")},
                         {"internal": 0, "flow_table_full": 0, "endpoint_refused": 0})

    def resets(self):
        return sum(host.snmp()["Tcp.EstabResets"] for host in [self.client, *self.network.backends])

    @staticmethod
    def received_by_rps():
        """{CPU: how often another one handed it packets}; columns 13 and 10 (net/core/net-procfs.c)."""
        rows = [line.split() for line in Path("/proc/net/softnet_stat").read_text().splitlines()]
        return {int(row[12], 16): int(row[9], 16) for row in rows}


if __name__ == "__main__":
    main()
