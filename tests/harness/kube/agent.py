# SPDX-License-Identifier: Apache-2.0
"""The agent that follows an API server."""

from ..slipgated import Slipgated


class KubeSlipgated(Slipgated):
    def __init__(self, gateway, kubeconfig, flags=()):
        """`kubeconfig`: as whom; the file of a Kubectl."""
        super().__init__(gateway, flags)
        self._kubeconfig = kubeconfig

    def command(self):
        return [self.program, "--kubernetes", "--kubeconfig", self._kubeconfig, "--pin-dir", self.pins, *self.flags]
