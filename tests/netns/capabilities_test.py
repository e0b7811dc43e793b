# SPDX-License-Identifier: Apache-2.0
"""Without one of the capabilities that k8s/base gives the agent it says which one it lacks; that they suffice, kube.deployment shows."""

import re
from pathlib import Path

import yaml

from harness import Case, container, eventually, main, manifests
from harness.slipgated import Slipgated

DAEMON_SET = Path(__file__).resolve().parents[2] / "k8s/base/daemon-set.yaml"


class Confined(Slipgated):
    """With what a container's securityContext gives it."""

    def __init__(self, gateway, security, flags=(), may_use_bpf=True):
        super().__init__(gateway, flags)
        self._security, self._may_use_bpf = security, may_use_bpf

    def command(self):
        argv = [self.program, *self.source(), "--pin-dir", self.pins, *self.flags]
        return container.command(self._security, argv if self._may_use_bpf else container.without_bpf(argv))


class Capabilities(Case):
    backends = 0
    direct = True  # agents are the tests' own

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        only, = yaml.safe_load(DAEMON_SET.read_text())["spec"]["template"]["spec"]["containers"]
        cls.security = only["securityContext"]
        cls.capabilities = cls.security["capabilities"]["add"]

    def test_the_agent_does_not_start_without_any_of_most(self):
        for missing in set(self.capabilities) - {"NET_BIND_SERVICE", "NET_RAW"}:
            with self.subTest(missing=missing):
                self.assertRaisesRegex(AssertionError, f"it lacks CAP_{missing};", self.agent_without(missing).start)

    def test_it_says_that_it_lacks_none_when_seccomp_is_in_its_way(self):
        """At first, and with maps in place."""
        for _ in range(2):
            agent = Confined(self.gateway, self.security, may_use_bpf=False)
            self.addCleanup(agent.close)
            self.assertRaisesRegex(AssertionError, "Operation not permitted: it has the capabilities .* seccomp", agent.start)
            complete = self.agent_without(None)
            complete.start()
            complete.terminate()

    def test_it_needs_net_bind_service_for_low_ports(self):
        agent = self.agent_without("NET_BIND_SERVICE")
        agent.folder.write("gateway", [manifests.gateway_class(), manifests.gateway(["203.0.113.1"])])
        agent.start()
        eventually(lambda: re.search("served without a listening socket.*CAP_NET_BIND_SERVICE", agent.log.read_text()),
                   "the log names the capability")

    def test_it_needs_net_raw_to_tell_neighbours(self):
        agent = self.agent_without("NET_RAW", ["--address-pool", "10.1.1.100"])
        agent.folder.write("gateway", [manifests.gateway_class(), manifests.gateway([])])
        agent.start()
        eventually(lambda: re.search("neighbours are not told.*CAP_NET_RAW", agent.log.read_text()), "the log names the capability")

    def agent_without(self, missing, flags=()):
        given = [capability for capability in self.capabilities if capability != missing]
        agent = Confined(self.gateway, self.security | {"capabilities": {"drop": ["ALL"], "add": given}}, flags)
        self.addCleanup(agent.close)
        return agent


if __name__ == "__main__":
    main()
