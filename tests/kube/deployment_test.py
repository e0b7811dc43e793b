# SPDX-License-Identifier: Apache-2.0
"""k8s/base: an API server takes it, and the agent runs with what its container is given, and with nothing less."""

import re
from pathlib import Path

from harness import eventually, main, manifests
from harness.kube import PATIENCE, KubeCase
from harness.sandbox import WORK
from harness.slipgated import Slipgated

BASE = Path(__file__).resolve().parents[2] / "k8s/base"
GATEWAY_API = "gateway.networking.k8s.io"
WRITTEN = [f"{kind}.{GATEWAY_API}" for kind in ("gatewayclasses", "gateways", "listenersets", "tlsroutes")]
FOLLOWED = [*WRITTEN, f"referencegrants.{GATEWAY_API}", "namespaces", "nodes", "services", "endpointslices.discovery.k8s.io",
            "customresourcedefinitions.apiextensions.k8s.io"]
LEASES = "leases.coordination.k8s.io"


class Confined(Slipgated):
    """As root without privileges but these capabilities, on a read-only file system."""

    def __init__(self, gateway, capabilities, flags=()):
        super().__init__(gateway, flags)
        self._capabilities = capabilities

    def command(self):
        bounds = ",".join(["-all", *(f"+{capability.lower()}" for capability in self._capabilities)])
        read_only = 'for mount in / "$0"; do mount -o remount,bind,ro "$mount" || exit; done; exec "$@"'
        return ["unshare", "--mount", "sh", "-c", read_only, WORK, "setpriv", "--no-new-privs", f"--bounding-set={bounds}",
                self.program, "--manifests", self.folder.path, "--pin-dir", self.pins, *self.flags]


class Deployment(KubeCase):
    backends = 0

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        daemon_set = next(item for item in cls.kubectl.objects_of("--kustomize", BASE) if item["kind"] == "DaemonSet")
        cls.security = daemon_set["spec"]["template"]["spec"]["containers"][0]["securityContext"]
        cls.capabilities = cls.security["capabilities"]["add"]

    def test_the_api_server_takes_the_base(self):
        self.kubectl("apply", "--filename", BASE / "namespace.yaml")  # a dry run of the others needs it
        taken = self.kubectl("apply", "--dry-run=server", "--kustomize", BASE)
        for kind in ("namespace", "serviceaccount", "clusterrole", "clusterrolebinding", "role", "rolebinding", "gatewayclass",
                     "daemonset"):
            self.assertRegex(taken, rf"(?m)^{kind}[./]")

    def test_the_account_may_do_what_the_agent_does_and_nothing_else(self):
        self.kubectl("apply", "--kustomize", BASE)
        account = self.control_plane.service_account("slipgate-system", "slipgate")
        eventually(lambda: account.works("get", "services"), "the ClusterRole takes effect", PATIENCE)
        self.kubectl.wait("serviceaccount/default", "create", "slipgate-system")
        any_account = self.control_plane.service_account("slipgate-system", "default")
        everywhere = {(resource, "", verb) for resource in FOLLOWED for verb in ("list", "watch")}
        everywhere |= {(f"{resource}/status", "", verb) for resource in WRITTEN for verb in ("get", "patch")}
        everywhere.add(("events.events.k8s.io", "", "create"))
        at_home = {(LEASES, "", "create"), (LEASES, "slipgate-status-writer", "get"), (LEASES, "slipgate-status-writer", "patch")}
        for namespace, wanted in ("default", everywhere), ("slipgate-system", everywhere | at_home):
            self.assertEqual(self.rights(account, namespace) - self.rights(any_account, namespace), wanted)

    @staticmethod
    def rights(account, namespace):
        """{(resource, name, verb)} of a user; name: "" is any."""
        lines = account("auth", "can-i", "--list", "--no-headers", "--namespace", namespace).splitlines()
        found = [re.match(r"(\S*) .*\[(.*)\] +\[(.*)\]$", line).groups() for line in lines]
        return {(resource, name, verb) for resource, name, verbs in found if resource for verb in verbs.split()}

    def test_the_agent_runs_with_what_its_container_is_given(self):
        self.assertTrue(self.security["readOnlyRootFilesystem"])
        self.assertEqual(self.security["capabilities"]["drop"], ["ALL"])
        agent = Confined(self.gateway, self.capabilities)
        self.addCleanup(agent.close)
        agent.start()

    def test_the_agent_needs_each_of_its_capabilities(self):
        for missing in set(self.capabilities) - {"NET_BIND_SERVICE", "NET_RAW"}:
            with self.subTest(missing=missing):
                self.assertRaisesRegex(AssertionError, f"CAP_{missing}", self.agent_without(missing).start)

    def test_the_agent_needs_net_bind_service_for_low_ports(self):
        agent = self.agent_without("NET_BIND_SERVICE")
        agent.folder.write("gateway", [manifests.gateway_class(), manifests.gateway(["203.0.113.1"])])
        self.addCleanup(agent.folder.remove, "gateway")
        agent.start()
        eventually(lambda: re.search("served without a listening socket.*CAP_NET_BIND_SERVICE", agent.log.read_text()),
                   "the log names the capability")

    def test_the_agent_needs_net_raw_to_tell_neighbours(self):
        agent = self.agent_without("NET_RAW", ["--address-pool", "10.1.1.100"])
        agent.folder.write("gateway", [manifests.gateway_class(), manifests.gateway([])])
        self.addCleanup(agent.folder.remove, "gateway")
        agent.start()
        eventually(lambda: re.search("neighbours are not told.*CAP_NET_RAW", agent.log.read_text()), "the log names the capability")

    def agent_without(self, missing, flags=()):
        agent = Confined(self.gateway, [capability for capability in self.capabilities if capability != missing], flags)
        self.addCleanup(agent.close)
        return agent


if __name__ == "__main__":
    main()
