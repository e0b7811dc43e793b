# SPDX-License-Identifier: Apache-2.0
"""KubeCase with what most tests of connections have: TLS servers, the agent as the account of k8s/base, and a Gateway."""

from pathlib import Path

from .. import certificates, manifests
from ..clients import peer_name, tls
from ..servers import Server, echo, over_tls
from ..topology import FAMILIES, V4
from ..wait import eventually
from .agent import ClusterSlipgated
from .case import KubeCase
from .kubectl import PATIENCE
from .pods import add_node

BASE = Path(__file__).resolve().parents[3] / "k8s/base"
NAMES = ["*.example.com"]
SAMPLE = 20  # connections; of two endpoints with equal chances, both are among them but in one of 500,000 runs


class ServedCase(KubeCase):
    ports = {}  # by name of a backend: where its server listens, if not on 8443
    flags = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certificates = {host.name: certificates.make(host.name, NAMES) for host in cls.network.backends}
        for host in cls.network.backends:
            server = Server(host, cls.port_of(host), over_tls(cls.certificates[host.name], echo))
            cls.addClassCleanup(server.close)
        add_node(cls.kubectl, "node1")
        cls.kubectl("apply", "--kustomize", BASE)
        cls.kubectl.apply(manifests.gateway(cls.network.vip.values()))
        cls.agent = cls.start_agent()

    @classmethod
    def port_of(cls, host):
        return cls.ports.get(host.name, 8443)

    @classmethod
    def start_agent(cls):
        account = cls.control_plane.service_account("slipgate-system", "slipgate")
        eventually(lambda: account.works("get", "services", "--all-namespaces"), "the ClusterRole takes effect", PATIENCE)
        agent = ClusterSlipgated(cls.gateway, account.kubeconfig, ["--node-name", "node1", *cls.flags])
        cls.addClassCleanup(agent.close)
        agent.start()
        return agent

    def apply(self, *objects):
        """Gone with the test."""
        self.kubectl.apply(*objects)
        for item in objects:
            metadata = item["metadata"]
            self.addCleanup(self.kubectl, "delete", item["kind"], metadata["name"], "--namespace",
                            metadata.get("namespace", "default"), "--ignore-not-found", "--wait=false")

    def route(self, name, backends=None):
        """A TLSRoute for NAME.example.com, which leads to the Service of that name unless `backends` says where."""
        self.apply(manifests.tls_route(name, [f"{name}.example.com"], backends or {name: 1}))

    def serve(self, name, host):
        """Service and TLSRoute of that name lead to the host; returns when they do."""
        self.apply(*manifests.backend(name, host.address.values(), self.port_of(host)))
        self.route(name)
        self.expect(name, host)

    def connect(self, name, family=V4):
        """A TLS session whose server has one of the backends' certificates."""
        return tls(self.client, (self.network.vip[family], 443), f"{name}.example.com", self.certificates.values(), timeout=10)

    def expect_alive(self, session):
        session.sendall(b"still here?")
        self.assertEqual(session.recv(100), b"still here?")

    def answers(self, name, family=V4):
        """Who answered, of SAMPLE connections; None: one was refused."""
        found = set()
        for _ in range(SAMPLE):
            try:
                with self.connect(name, family) as session:
                    found.add(peer_name(session))
            except ConnectionError:
                found.add(None)
        return found

    def expect(self, name, *hosts, families=FAMILIES):
        """All of these answer, and nobody else, over each family; without hosts: connections are refused."""
        wanted = {host.name for host in hosts} or {None}
        for family in families:
            eventually(lambda: self.answers(name, family) == wanted, f"{name} is served by {wanted}", PATIENCE)
