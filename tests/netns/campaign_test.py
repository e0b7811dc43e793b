# SPDX-License-Identifier: Apache-2.0
"""
Loss and disorder as a campaign. Each fault (lost, duplicated at once or late, reordered, delayed, a bit flipped in the
payload or in a field of the TCP header) meets each of the first 20 packets of a connection and its FIN, one at a time, on
either leg, in either direction, over both families: one connection for each line of that table. Then connections with
many faults each, drawn with a fixed seed.

The control makes the same connections with the same faults through plain routing. Every connection must end in the
gateway as it ended in the control. What differs on the way is this: the gateway answers the client's SYN itself and asks
the endpoint only when the server name is complete, its handshake with the endpoint carries the hello in the third ACK,
and nothing is acknowledged to the client before the endpoint did. So a position counts the packets of its own leg and
direction: packet 2 towards the endpoint is a part of the hello here, the third ACK in the control.
"""

import itertools
import random
from dataclasses import dataclass

from harness import FAMILIES, FAMILY_NAMES, Case, eventually, main, manifests
from harness.dialogue import COMPLETE, Call, Dialogues
from harness.faults import ALL, Plan, Plans

FIRST = 20
CLIENT, ENDPOINT = "client", "endpoint"
FROM, TO = "from", "to"
DIRECTIONS = tuple(itertools.product((CLIENT, ENDPOINT), (FROM, TO)))
PORT = 20000  # of connection 0, at both ends

SEED = 1
DRAWN = 300  # connections for each family
SHARE = 0.03  # of the packets of such a connection


@dataclass
class Line:
    """One connection: which it is, and its plan for each leg and direction that has one."""

    number: int
    plans: dict
    what: str


def table():
    """Connections with one fault each."""
    numbers = itertools.count()
    for fault, (leg, direction), position in itertools.product(ALL, DIRECTIONS, [*range(FIRST), "FIN"]):
        plan = Plan(fin=fault) if position == "FIN" else Plan({position: fault})
        yield Line(next(numbers), {(leg, direction): plan}, f"packet {position} {direction} the {leg}: {fault}")


def drawn():
    """Connections with faults at random places."""
    dice = random.Random(SEED)
    for number in range(DRAWN):
        plans = {where: Plan({p: dice.choice(ALL) for p in range(2 * FIRST) if dice.random() < SHARE}) for where in DIRECTIONS}
        what = ", ".join(f"{position} {direction} the {leg}: {fault}" for (leg, direction), plan in plans.items()
                         for position, fault in plan.faults.items())
        yield Line(number, plans, what)


TABLE, RANDOM = list(table()), list(drawn())
LINES = max(len(TABLE), len(RANDOM))


def name_of(line, family):
    return f"{FAMILY_NAMES[family].lower()}.line{line.number:04}.example.com"


class Campaign(Case):
    nginx = False
    backends = 1
    wires = True
    flags = ("--closing-time", "1s", "--log-level", "warn")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.network.wire_like()
        cls.endpoint = cls.network.backends[0]
        for host in cls.client, cls.endpoint:
            host.sysctl("net.ipv4.tcp_autocorking", 0)  # each write is a segment
        cls.dialogues = Dialogues(cls.client, cls.endpoint, range(PORT, PORT + LINES))
        cls.addClassCleanup(cls.dialogues.close)
        cls.plans = Plans()
        cls.addClassCleanup(cls.plans.close)

    @classmethod
    def write_manifests(cls):
        """A route of its own for each line: on the endpoint's leg a connection is known by the endpoint's port."""
        super().write_manifests()
        objects = []
        for number in range(LINES):
            name = f"line{number:04}"
            objects += manifests.backend(name, cls.network.backends[0].address.values(), PORT + number)
            objects.append(manifests.tls_route(name, [f"*.{name}.example.com"], {name: 1}))
        cls.agent.folder.write("lines", objects)

    def wire(self, leg, direction):
        wire = self.network.wires["c1" if leg == CLIENT else "b1"]
        return wire.from_host if direction == FROM else wire.to_host

    def each_plan(self, lines):
        for line, family in itertools.product(lines, FAMILIES):
            for where, plan in line.plans.items():
                yield line, family, self.wire(*where), plan

    def play(self, lines, through_gateway):
        """Makes the connections of these lines with their faults. Returns them by (number, family)."""
        for line, family, wire, plan in self.each_plan(lines):
            self.plans.set(wire, PORT + line.number, family, plan)
        calls = {}
        for line, family in itertools.product(lines, FAMILIES):
            port = PORT + line.number
            target = self.target(family) if through_gateway else (self.endpoint.address[family], port)
            calls[line.number, family] = Call(name_of(line, family), family, (self.client.address[family], port), target)
        outcomes = self.dialogues.run(calls.values())
        print(f"{'gateway' if through_gateway else 'control'}: {len(calls)} connections: {outcomes}")
        self.no_connections_left()
        return calls

    def no_connections_left(self):
        def left():
            return [line for host in (self.client, self.endpoint) for line in
                    host.run("ss", "-Htano", "state", "connected", "exclude", "time-wait").stdout.splitlines()]
        eventually(lambda: not left(), "no connection is left")

    def faults_done(self, lines):
        """How many faults took place, by line and family, and then no plan is in force any more."""
        done = {}
        for line, family, wire, _ in self.each_plan(lines):
            key = line.number, family
            done[key] = done.get(key, 0) + self.plans.counts(wire, PORT + line.number, family)[2]
            self.plans.delete(wire, PORT + line.number, family)
        return done

    def check(self, lines):
        control = self.play(lines, through_gateway=False)
        control_done = self.faults_done(lines)
        ours = self.play(lines, through_gateway=True)
        done = self.faults_done(lines)
        differ = [f"{FAMILY_NAMES[family]}: {line.what}: {ours[line.number, family].outcome}, "
                  f"control {control[line.number, family].outcome}"
                  for line, family in itertools.product(lines, FAMILIES)
                  if ours[line.number, family].outcome != control[line.number, family].outcome]
        complete = sum(c.outcome == (COMPLETE, COMPLETE) for c in ours.values())
        print(f"{len(ours)} connections, {sum(done.values())} faults (control {sum(control_done.values())}), "
              f"{complete} complete, {len(ours) - len(differ)} as in the control")
        self.assertGreater(complete, len(ours) / 2, "TCP mends most of it, here and in the control")
        self.assertEqual(differ, [], "\n" + "\n".join(differ))
        return control_done, done

    def test_one_fault_at_each_position(self):
        for done in self.check(TABLE):
            missed = [(line.what, family) for line, family in itertools.product(TABLE, FAMILIES)
                      if not done[line.number, family]]
            self.assertEqual(missed, [], "each fault took place")
        eventually(lambda: not self.agent.flows(), "every flow is closed and collected")

    def test_many_faults_at_random(self):
        for done in self.check(RANDOM):
            self.assertGreater(sum(done.values()), 0, "faults took place")


if __name__ == "__main__":
    main()
