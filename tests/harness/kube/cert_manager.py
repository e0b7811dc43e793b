# SPDX-License-Identifier: Apache-2.0
"""The kinds of cert-manager, which is not here: they exist, and nobody looks at their objects."""

from ..wait import eventually
from .kubectl import PATIENCE


def install_kinds(kubectl):
    kubectl.apply(_definition("certificates", "Certificate", "Namespaced"), _definition("clusterissuers", "ClusterIssuer", "Cluster"))
    kubectl("wait", "crd", "--all", "--for=condition=Established", "--timeout=30s")
    eventually(lambda: kubectl.works("get", "certificates.cert-manager.io,clusterissuers.cert-manager.io"), "they are found", PATIENCE)


def _definition(plural, kind, scope):
    group, anything = "cert-manager.io", {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
            "metadata": {"name": f"{plural}.{group}"},
            "spec": {"group": group, "scope": scope, "names": {"plural": plural, "kind": kind},
                     "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": anything}}]}}
