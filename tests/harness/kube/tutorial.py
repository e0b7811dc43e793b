# SPDX-License-Identifier: Apache-2.0
"""What docs/kubernetes.md is played in: a node, the agent as the account of k8s/base, hosts for the Pods, a client with a shell."""

from contextlib import ExitStack
from pathlib import Path

from ..topology import Network
from . import base
from .agent import ClusterSlipgated
from .control_plane import ControlPlane
from .kubelet import Kubelet
from .pods import add_node
from .walkthrough import Walkthrough, steps_of

TREE = Path(__file__).resolve().parents[3]
DOCUMENT = TREE / "docs/kubernetes.md"
MANIFESTS = TREE / "k8s/examples/tutorial"
HOSTS = 7  # as many as the Pods


class Tutorial:
    def __init__(self, manifests=MANIFESTS):
        """Makes the network; start() the rest."""
        self._all, self._manifests = ExitStack(), manifests
        self.network = Network(clients=1, backends=HOSTS)
        self._all.callback(self.network.close)

    def start(self, program=None, say=lambda what: None):
        """`program`: slipgated, if not the one of the build under test; `say`: is told of each part that is about to start."""
        gateway, vip = self.network.gateway, self.network.vip
        say("etcd, kube-apiserver and kube-controller-manager")
        control_plane = ControlPlane(gateway)
        self._all.callback(control_plane.close)
        control_plane.start()
        say("CRDs of the Gateway API; a Node")
        control_plane.install_gateway_api()
        self.kubectl = kubectl = control_plane.kubectl
        add_node(kubectl, "node1")
        say("kubectl apply -k k8s/base; slipgated --kubernetes as its ServiceAccount")
        account = base.install(control_plane)
        self.agent = ClusterSlipgated(gateway, account.kubeconfig, ["--node-name", "node1", "--address", ",".join(vip.values())])
        self.agent.program = program or self.agent.program
        self._all.callback(self.agent.close)
        self.agent.start()
        self.kubelet = Kubelet(kubectl, self.network.backends)
        self._all.callback(self.kubelet.close)
        self.walkthrough = Walkthrough(self.network.clients[0], kubectl, self._manifests, self.kubelet.sync)
        self._all.callback(self.walkthrough.close)

    def steps(self):
        return steps_of(DOCUMENT.read_text())

    def close(self):
        self._all.close()
