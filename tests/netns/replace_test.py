# SPDX-License-Identifier: Apache-2.0
"""Agents come and go, at any moment of their own start too, while connections are being opened: none of those notices."""

import collections
import itertools
import re
import signal

from harness import FAMILIES, Case, eventually, host_of, main
from harness.openers import Openers
from harness.sandbox import BPFFS, WORK

SYSCALLS = "bpf,rename,unlink,mkdir,sendto"
# What outlives the agent: between any two of these lies a state in which it can be killed.
LASTING = re.compile(r"^(bpf\(BPF_(OBJ_PIN|LINK_CREATE|LINK_UPDATE|MAP_UPDATE_ELEM)|rename|unlink|mkdir|sendto\(.*RTM_NEW)")
ROUNDS = 5


class ReplaceCase(Case):
    echo = True

    def setUp(self):
        self.openers = Openers(self.client, [self.target(family) for family in FAMILIES], map(host_of, self.network.backends))
        self.openers.more(20)

    def tearDown(self):
        self.openers.stop()
        self.assertEqual(self.openers.failures, [])
        self.assertEqual(self.agent.counters()["internal"], 0, "no tail call found its program missing")

    def leftovers(self):
        return [pin.name for folder in (BPFFS, self.agent.pins) for pin in folder.iterdir()
                if pin.name.endswith("-new") or pin.name.startswith("programs_")]

    def lasting_calls(self):
        """Calls of a whole start that change what outlives the agent: [(the call, its name, its number among those)]."""
        trace = WORK / "trace"
        starting = self.start_traced(trace)
        self.agent.wait_until_ready(starting)
        starting.stop()
        eventually(lambda: "+++ exited" in trace.read_text(), "end of the trace")
        numbers, found = collections.Counter(), []
        for call in trace.read_text().splitlines():
            name = call.partition("(")[0]
            numbers[name] += 1
            if LASTING.match(call):
                found.append((call, name, numbers[name]))
        self.assertGreater(len(found), 10, "the list is sound")
        return found

    def killed_at(self, name, number):
        """Starts the agent and kills it when it enters that call."""
        starting = self.start_traced("/dev/null", "-e", f"inject={name}:signal=SIGKILL:when={number}")
        self.assertEqual(starting.wait(), -signal.SIGKILL)

    def start_traced(self, trace, *options):
        """The agent, beside (-D) strace, which sees its main thread: the only one that touches the data path."""
        starting = self.gateway.start("strace", "-D", "-o", trace, "-e", f"trace={SYSCALLS}", *options,
                                      *self.agent.command(), log=self.agent.log)
        self.addCleanup(starting.close)
        return starting


class Replace(ReplaceCase):
    def test_agent_replaced_while_connections_are_being_opened(self):
        under_way = []
        for stop in [self.agent.kill, self.agent.terminate] * ROUNDS:
            under_way.append(dict(self.openers.at_step))
            stop()
            self.openers.more(20)  # nobody is there
            self.agent.start()
            self.openers.more(20)
        for step in "before the hello", "inside the hello":
            self.assertTrue(all(steps[step] > 0 for steps in under_way), f"openings were {step}: {under_way}")

    def test_killed_at_every_step_of_adopting(self):
        """One kill after the other, so that each agent finds what a killed one left."""
        self.agent.kill()
        for call, *step in self.lasting_calls():
            with self.subTest(killed_at=call):
                self.killed_at(*step)
                self.openers.more(10)
        self.agent.start()
        self.openers.more(20)
        self.assertEqual(self.leftovers(), [])


class ReplaceClsact(Replace):
    flags = ("--attach", "clsact")


class FirstStart(ReplaceCase):
    """Nothing is served yet, so nothing is lost: the next agent must find a clean place, whatever a killed one left."""

    def setUp(self):
        self.agent.terminate()
        self.agent.close()

    def tearDown(self):
        pass

    def test_killed_at_every_step_of_the_first_start(self):
        calls = self.lasting_calls()
        self.agent.close()
        before_rename = list(itertools.takewhile(lambda call: call[1] != "rename", calls))
        for call, *step in before_rename[:3] + before_rename[3:-3:6] + before_rename[-3:] + calls[len(before_rename):][:1]:
            with self.subTest(killed_at=call):
                self.killed_at(*step)
                self.assertFalse(self.agent.pins.exists(), "it gets its name when all is in it")
        self.agent.start()
        self.assertEqual(self.leftovers(), [])
        openers = Openers(self.client, [self.target(family) for family in FAMILIES], map(host_of, self.network.backends))
        openers.more(20)
        openers.stop()
        self.assertEqual(openers.failures, [])


if __name__ == "__main__":
    main()
