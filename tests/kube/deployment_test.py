# SPDX-License-Identifier: Apache-2.0
"""
k8s/base: an API server takes it, and the Pod that the DaemonSet's controller makes of it serves, with the account, token, capabilities,
files and environment that it is given, and with nothing else.
"""

import re
import shutil
import subprocess
from pathlib import Path

from harness import eventually, main, manifests
from harness.kube import AFTER_FAILURES, PATIENCE, DaemonSlipgated, KubeCase, add_node, base
from harness.kube.base import BASE, LEASE, NAMESPACE
from harness.kube.traffic import Traffic
from harness.manifests import GATEWAY_GROUP
from harness.sandbox import WORK
from harness.topology import FAMILIES, V4, V6

K8S = Path(__file__).resolve().parents[2] / "k8s"
WRITTEN = [f"{kind}.{GATEWAY_GROUP}" for kind in ("gatewayclasses", "gateways", "listenersets", "tlsroutes")]
FOLLOWED = [*WRITTEN, f"referencegrants.{GATEWAY_GROUP}", "namespaces", "nodes", "services", "endpointslices.discovery.k8s.io",
            "servicecidrs.networking.k8s.io", "customresourcedefinitions.apiextensions.k8s.io"]
LEASES = "leases.coordination.k8s.io"
EXAMPLE = "--address-pool=192.0.2.64/27"  # what the overlay of the documentation adds
POOL = "--address-pool=10.1.1.100-10.1.1.109,fd00:1:1::100-fd00:1:1::109"  # on the link of the client


class Deployment(KubeCase):
    backends = 1
    more_controllers = ("daemonset-controller", "resourcequota-controller")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        host, = cls.network.backends
        cls.add_server(host)
        cls.node = cls.client.gateway_address  # those of the host's interface to the client
        add_node(cls.kubectl, "node1", cls.node.values())
        cls.kubectl.apply(*manifests.backend("web", host.address.values()))

    def test_the_api_server_takes_the_base(self):
        base.add_namespace(self.kubectl)  # a dry run of the others needs it
        taken = self.kubectl("apply", "--dry-run=server", "--kustomize", BASE)
        for kind in ("namespace", "serviceaccount", "clusterrole", "clusterrolebinding", "role", "rolebinding", "gatewayclass",
                     "daemonset"):
            self.assertRegex(taken, rf"(?m)^{kind}[./]")

    def test_its_pods_are_placed_before_others_and_on_every_node(self):
        self.kubectl("apply", "--kustomize", BASE)
        self.addCleanup(self.kubectl, "delete", "daemonset", "--all", "--namespace", NAMESPACE)
        spec = self.kubectl.json("get", "daemonset", "slipgated", "--namespace", NAMESPACE)["spec"]["template"]["spec"]
        self.assertEqual(spec["priorityClassName"], "system-node-critical")
        self.assertIn({"operator": "Exists"}, spec["tolerations"])
        self.assertEqual(set(spec["containers"][0]["resources"]["requests"]), {"cpu", "memory"})

    def test_the_account_may_do_what_the_agent_does_and_nothing_else(self):
        account = base.install(self.control_plane)
        self.kubectl.wait("serviceaccount/default", "create", NAMESPACE)
        any_account = self.control_plane.service_account(NAMESPACE, "default")
        everywhere = {(resource, "", verb) for resource in FOLLOWED for verb in ("list", "watch")}
        everywhere |= {(f"{resource}/status", "", verb) for resource in WRITTEN for verb in ("get", "patch")}
        everywhere.add(("events.events.k8s.io", "", "create"))
        at_home = {(LEASES, "", "create"), (LEASES, LEASE, "get"), (LEASES, LEASE, "patch")}
        for namespace, wanted in ("default", everywhere), (NAMESPACE, everywhere | at_home):
            self.assertEqual(self.rights(account, namespace) - self.rights(any_account, namespace), wanted)

    @staticmethod
    def rights(account, namespace):
        """{(resource, name, verb)} of a user; name: "" is any."""
        lines = account("auth", "can-i", "--list", "--no-headers", "--namespace", namespace).splitlines()
        found = [re.match(r"(\S*) .*\[(.*)\] +\[(.*)\]$", line).groups() for line in lines]
        return {(resource, name, verb) for resource, name, verbs in found if resource for verb in verbs.split()}

    def start(self, folder):
        """The DaemonSet of a kustomization, on the one node."""
        self.kubectl("apply", "--kustomize", folder)
        agent = DaemonSlipgated(self.gateway, self.kubectl, "node1", self.node)
        self.addCleanup(agent.close)
        agent.start()
        self.kubectl("rollout", "status", "daemonset/slipgated", "--namespace", NAMESPACE, f"--timeout={PATIENCE}s")
        self.assertTrue(agent.pod["spec"]["hostNetwork"])
        return agent

    def add_gateway(self, name):
        """One that names no address, with a route; returns those that its status has, by family."""
        self.apply(manifests.gateway([], name=name), manifests.tls_route(name, [f"{name}.example.com"], {"web": 1}, name))
        self.kubectl.wait(f"gateway/{name}", "condition=Programmed")
        return self.addresses_of(name)

    def addresses_of(self, gateway):
        found = self.kubectl.json("get", "gateway", gateway)["status"]["addresses"]
        return {V6 if ":" in entry["value"] else V4: entry["value"] for entry in found}

    def is_served(self, address, name):
        try:
            with self.connect_to(address, name) as session:
                self.expect_alive(session)
        except ConnectionError:
            return False
        return True

    def expect(self, addresses, name, patience=PATIENCE):
        for family in FAMILIES:
            eventually(lambda: self.is_served(addresses[family], name), f"{name} is served at {addresses[family]}", patience)

    def test_its_pod_serves_at_its_node_and_goes_on_with_another_token(self):
        agent = self.start(BASE)
        self.assertTrue(agent.passes("livenessProbe"))
        addresses = self.add_gateway("web")
        self.assertEqual(addresses, self.node)
        self.expect(addresses, "web")
        self.control_plane.revoke_tokens()
        eventually(lambda: "does not take the agent's credentials: 401" in agent.log.read_text(), "the log says so", PATIENCE)
        self.expect(addresses, "web")
        agent.refresh()
        self.apply(manifests.tls_route("later", ["later.example.com"], {"web": 1}, "web"))
        self.expect(addresses, "later", AFTER_FAILURES)
        self.kubectl.wait_until_accepted("later")

    def test_it_is_taken_from_the_cluster_while_its_node_goes_on(self):
        """In the order of docs/kubernetes.md."""
        agent = self.start(BASE)
        addresses = self.add_gateway("web")
        self.expect(addresses, "web")
        with Traffic(lambda: self.connect_to(addresses[V4], "web")):
            self.kubectl("delete", "daemonset", "slipgated", "--namespace", NAMESPACE)
            agent.delete()
            self.kubectl("delete", "--ignore-not-found", "--kustomize", BASE)  # and waits
        self.expect(addresses, "web")

    def test_a_node_forgets_everything_if_it_is_told_to(self):
        """By the Pod that docs/kubernetes.md makes of the DaemonSet."""
        agent = self.start(BASE)
        addresses = self.add_gateway("web")
        self.expect(addresses, "web")
        make, = re.findall(r"with jq:\n\n((?: {4}.*\n)+)", (K8S.parent / "docs/kubernetes.md").read_text())
        program = " ".join(map(str, self.kubectl.command()))
        subprocess.run(["bash", "-c", make.replace("kubectl ", f"{program} ").replace('"NODE"', '"node1"')], cwd=WORK, check=True)
        self.kubectl("delete", "daemonset", "slipgated", "--namespace", NAMESPACE)
        agent.delete()
        self.expect(addresses, "web")
        self.kubectl("apply", "--filename", WORK / "uninstall-pod")
        self.assertEqual(self.kubectl.json("get", "pod", "uninstall", "--namespace", NAMESPACE)["spec"]["nodeName"], "node1")
        self.assertTrue(agent.pins.exists())
        agent.run_once("uninstall")
        self.assertFalse(agent.pins.exists())
        for family in FAMILIES:
            self.assertFalse(self.is_served(addresses[family], "web"))

    def with_a_pool(self):
        """The overlay that docs/kubernetes.md names, with another pool, and the label of the node that it wants."""
        folder = WORK / "k8s"
        shutil.copytree(K8S, folder)
        overlay = folder / "examples/pool/kustomization.yaml"
        text = overlay.read_text()
        self.assertIn(EXAMPLE, text)
        overlay.write_text(text.replace(EXAMPLE, POOL))
        self.kubectl("label", "node", "node1", "slipgate.dev/gateway=true")
        return overlay.parent

    def on_the_host(self):
        """Addresses of the pool that the gateway's host has."""
        links = self.gateway.json("ip", "-json", "address", "show", "dev", self.client.port)
        return {entry["local"] for entry in links[0]["addr_info"] if entry["prefixlen"] in (32, 128)}

    def test_a_gateway_keeps_its_address_of_the_pool_when_the_pod_is_replaced(self):
        agent = self.start(self.with_a_pool())
        self.add_gateway("first")
        addresses = self.add_gateway("web")
        self.kubectl("delete", "gateway", "first")  # its addresses are the lowest of the pool
        eventually(lambda: self.on_the_host() == set(addresses.values()), "those of one Gateway are on the host", PATIENCE)
        lives = [self.connect_to(addresses[family], "web") for family in FAMILIES]
        before = agent.name
        agent.delete()
        self.expect(addresses, "web")
        agent.start()
        self.assertNotEqual(agent.name, before)
        self.apply(manifests.tls_route("later", ["later.example.com"], {"web": 1}, "web"))
        self.expect(addresses, "later")
        self.kubectl.wait_until_accepted("later")
        self.assertEqual(self.addresses_of("web"), addresses)
        self.assertEqual(self.on_the_host(), set(addresses.values()))
        for live in lives:
            with live:
                self.expect_alive(live)
        agent.terminate()
        agent.uninstall()
        self.assertEqual(self.on_the_host(), set())


if __name__ == "__main__":
    main()
