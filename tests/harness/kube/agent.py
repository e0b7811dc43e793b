# SPDX-License-Identifier: Apache-2.0
"""The agent that follows a real control plane."""

from ..slipgated import EVERY_ADDRESS, Slipgated


class ClusterSlipgated(Slipgated):
    def __init__(self, gateway, kubeconfig, flags=()):
        """`kubeconfig`: as whom; the file of a Kubectl."""
        super().__init__(gateway, flags)
        self._kubeconfig = kubeconfig

    def source(self):
        return ["--kubernetes", "--kubeconfig", self._kubeconfig, *EVERY_ADDRESS]
