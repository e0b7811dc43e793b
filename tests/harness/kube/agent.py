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
    HTTP_PORT = ClusterSlipgated.HTTP_PORT + 1

    def __init__(self, gateway, kubeconfig, more_devices=()):
        gateway.run("ip", "link", "add", self.DEVICE, "type", "veth", "peer", "name", "nobody")
        super().__init__(gateway, kubeconfig, ["--interface", ",".join([self.DEVICE, *more_devices]), "--node-name", self.DEVICE,
                                               "--http-address", f"127.0.0.1:{self.HTTP_PORT}"])
        self.pins = BPFFS / self.DEVICE
        self.status_dir, self.log, self._access_log = (WORK / f"{self.DEVICE}-{name}" for name in ("status", "log", "access"))

    def source(self):
        return self.api_server()

    def close(self):
        super().close()
        self._gateway.run("ip", "link", "delete", self.DEVICE)
