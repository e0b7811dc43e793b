# SPDX-License-Identifier: Apache-2.0
"""The world of tests with Kubernetes: clients, a gateway with a control plane on its loopback, and hosts for pods."""

import unittest

from .. import certificates
from ..clients import tls
from ..servers import Server, echo, over_tls
from ..topology import Network
from .control_plane import ControlPlane

NAMES = ["*.example.com"]


class KubeCase(unittest.TestCase):
    clients = 1
    backends = 2
    more_controllers = ()  # than those of the control plane

    @classmethod
    def setUpClass(cls):
        cls.network = Network(cls.clients, cls.backends)
        cls.addClassCleanup(cls.network.close)
        cls.certificates = {}  # of the servers, by name of their host
        cls.client, cls.gateway = cls.network.clients[0], cls.network.gateway
        cls.control_plane = ControlPlane(cls.gateway)
        cls.addClassCleanup(cls.control_plane.close)
        cls.control_plane.start(cls.more_controllers)
        cls.control_plane.install_gateway_api()
        cls.kubectl = cls.control_plane.kubectl

    @classmethod
    def add_server(cls, host, port=8443):
        """One for NAMES, with a certificate of its host's name, that sends back what it gets inside TLS."""
        cls.certificates[host.name] = certificates.make(host.name, NAMES)
        cls.addClassCleanup(Server(host, port, over_tls(cls.certificates[host.name], echo)).close)

    def apply(self, *objects):
        """Gone with the test."""
        self.kubectl.apply(*objects)
        for item in objects:
            metadata = item["metadata"]
            self.addCleanup(self.kubectl, "delete", item["kind"], metadata["name"], "--namespace",
                            metadata.get("namespace", "default"), "--ignore-not-found", "--wait=false")

    def connect_to(self, address, name):
        """A TLS session with one of the servers, for the host `name` of example.com."""
        return tls(self.client, (address, 443), f"{name}.example.com", self.certificates.values(), timeout=10)

    def expect_alive(self, session):
        session.sendall(b"still here?")
        self.assertEqual(session.recv(100), b"still here?")
