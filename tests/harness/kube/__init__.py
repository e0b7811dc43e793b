# SPDX-License-Identifier: Apache-2.0
"""A real Kubernetes control plane in the sandbox of a test, driven with kubectl. case.py is the place to start."""

from .agent import ClusterSlipgated, OtherSlipgated
from .api import Api
from .case import KubeCase
from .control_plane import ControlPlane
from .daemon import DaemonSlipgated
from .kubectl import AFTER_FAILURES, PATIENCE, Kubectl
from .kubelet import Kubelet
from .pods import Pod, add_node
from .served import ServedCase
from .walkthrough import Walkthrough

__all__ = ["AFTER_FAILURES", "PATIENCE", "Api", "ClusterSlipgated", "ControlPlane", "DaemonSlipgated", "KubeCase", "Kubectl", "Kubelet", "OtherSlipgated",
           "Pod", "ServedCase", "Walkthrough", "add_node"]
