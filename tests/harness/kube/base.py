# SPDX-License-Identifier: Apache-2.0
"""k8s/base in the cluster of a test."""

from pathlib import Path

from ..wait import eventually
from .kubectl import PATIENCE

BASE = Path(__file__).resolve().parents[3] / "k8s/base"
NAMESPACE = "slipgate-system"
LEASE = "slipgate-status-writer"


def add_namespace(kubectl):
    """The one of the Lease, where there is no need for the rest."""
    kubectl("apply", "--filename", BASE / "namespace.yaml")


def install(control_plane):
    """Returns kubectl as the agent's account, once it may what the agent does."""
    control_plane.kubectl("apply", "--kustomize", BASE)
    account = control_plane.service_account(NAMESPACE, "slipgate")
    eventually(lambda: account.works("get", "services", "--all-namespaces"), "the ClusterRole takes effect", PATIENCE)
    return account
