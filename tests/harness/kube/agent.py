# SPDX-License-Identifier: Apache-2.0
"""The agent that follows a real control plane."""

from ..sandbox import BPFFS, WORK
from ..slipgated import EVERY_ADDRESS, Slipgated
from .kubectl import PATIENCE


class ClusterSlipgated(Slipgated):
    PATIENCE = PATIENCE

    def __init__(self, gateway, kubeconfig, flags=()):
        """`kubeconfig`: as whom; the file of a Kubectl."""
        super().__init__(gateway, flags)
        self.kubeconfig = kubeconfig

    def source(self):
        return [*self.api_server(), *EVERY_ADDRESS]

    def api_server(self):
        return ["--kubernetes", "--kubeconfig", self.kubeconfig]


class OtherSlipgated(ClusterSlipgated):
    """
    A second agent beside the first, as if on another node: on a device of its own, without clients, and without a range of addresses,
    so that it has no listening sockets, which are the first one's.
    """

    DEVICE = "other-node"

    def __init__(self, gateway, kubeconfig):
        gateway.run("ip", "link", "add", self.DEVICE, "type", "veth", "peer", "name", "nobody")
        super().__init__(gateway, kubeconfig, ["--interface", self.DEVICE, "--http-address", "off", "--node-name", self.DEVICE])
        self.pins = BPFFS / self.DEVICE
        self.status_dir, self.log, self._access_log = (WORK / f"{self.DEVICE}-{name}" for name in ("status", "log", "access"))

    def source(self):
        return self.api_server()
