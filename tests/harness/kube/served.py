# SPDX-License-Identifier: Apache-2.0
"""KubeCase with what most tests of connections have: TLS servers, the agent as the account of k8s/base, and a Gateway."""

from .. import manifests
from ..clients import peer_name
from ..topology import FAMILIES, V4
from ..wait import eventually
from . import base
from .agent import ClusterSlipgated
from .case import KubeCase
from .kubectl import PATIENCE
from .pods import add_node

SAMPLE = 20  # connections; of two endpoints with equal chances, both are among them but in one of 500,000 runs


class ServedCase(KubeCase):
    ports = {}  # by name of a backend: where its server listens, if not on 8443
    flags = ()

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for host in cls.network.backends:
            cls.add_server(host, cls.port_of(host))
        add_node(cls.kubectl, "node1")
        cls.account = base.install(cls.control_plane)
        cls.kubectl.apply(manifests.gateway(cls.network.vip.values()))
        cls.agent = ClusterSlipgated(cls.gateway, cls.account.kubeconfig, ["--node-name", "node1", *cls.flags])
        cls.addClassCleanup(cls.agent.close)
        cls.agent.start()

    @classmethod
    def port_of(cls, host):
        return cls.ports.get(host.name, 8443)

    def route(self, name, backends=None):
        """A TLSRoute for NAME.example.com, which leads to the Service of that name unless `backends` says where."""
        self.apply(manifests.tls_route(name, [f"{name}.example.com"], backends or {name: 1}))

    def serve(self, name, host):
        """Service and TLSRoute of that name lead to the host; returns when they do."""
        self.apply(*manifests.backend(name, host.address.values(), self.port_of(host)))
        self.route(name)
        self.expect(name, host)

    def connect(self, name, family=V4):
        return self.connect_to(self.network.vip[family], name)

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

    def expect(self, name, *hosts, families=FAMILIES, patience=PATIENCE):
        """All of these answer, and nobody else, over each family; without hosts: connections are refused."""
        wanted = {host.name for host in hosts} or {None}
        for family in families:
            eventually(lambda: self.answers(name, family) == wanted, f"{name} is served by {wanted}", patience)
