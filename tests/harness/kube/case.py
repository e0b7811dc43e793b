# SPDX-License-Identifier: Apache-2.0
"""The world of tests with Kubernetes: clients, a gateway with a control plane on its loopback, and hosts for pods."""

import unittest

from ..topology import Network
from .control_plane import ControlPlane


class KubeCase(unittest.TestCase):
    clients = 1
    backends = 2
    more_controllers = ()  # than those of the control plane

    @classmethod
    def setUpClass(cls):
        cls.network = Network(cls.clients, cls.backends)
        cls.addClassCleanup(cls.network.close)
        cls.client, cls.gateway = cls.network.clients[0], cls.network.gateway
        cls.control_plane = ControlPlane(cls.gateway)
        cls.addClassCleanup(cls.control_plane.close)
        cls.control_plane.start(cls.more_controllers)
        cls.control_plane.install_gateway_api()
        cls.kubectl = cls.control_plane.kubectl
