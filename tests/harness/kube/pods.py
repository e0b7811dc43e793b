# SPDX-License-Identifier: Apache-2.0
"""Nodes and Pods whose kubelet and scheduler is the test: it says where a Pod runs, at which addresses, and how it fares."""

import json

from ..topology import FAMILIES

READY, NOT_READY = "True", "False"
KUBELETS = {"kubernetes.io/os": "linux"}  # labels that every kubelet gives its Node


def add_node(kubectl, name, addresses=(), zone=None):
    labels = KUBELETS | {"kubernetes.io/hostname": name} | ({"topology.kubernetes.io/zone": zone} if zone else {})
    kubectl.apply({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name, "labels": labels}})
    kubectl.patch_status(f"node/{name}", {
        "addresses": [{"type": "InternalIP", "address": address} for address in addresses],
        "conditions": [{"type": "Ready", "status": READY, "reason": "KubeletReady"}]})


def bind(kubectl, pod, node):
    """What a scheduler does with a Pod."""
    name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
    kubectl("create", "--raw", f"/api/v1/namespaces/{namespace}/pods/{name}/binding", "--filename", "-", input=json.dumps({
        "apiVersion": "v1", "kind": "Binding", "metadata": {"name": name}, "target": {"name": node}}))


def report(kubectl, name, namespace, ready, host=None, container="server"):
    """What a kubelet says of a Pod with one container; once with the Host whose addresses it has."""
    addresses = [{"ip": host.address[family]} for family in FAMILIES] if host else []
    started = {"phase": "Running", "podIP": addresses[0]["ip"], "podIPs": addresses} if host else {}
    kubectl.patch_status(f"pod/{name}", started | {
        "conditions": [{"type": "Ready", "status": READY if ready else NOT_READY}],
        "containerStatuses": [{"name": container, "ready": ready, "image": container, "imageID": "", "restartCount": 0}],
    }, namespace)


class Pod:
    def __init__(self, kubectl, host, labels, node="node1", namespace="default", port=8443, ready=True):
        """A running Pod called like `host`, the Host whose addresses it has and whose servers answer."""
        self._kubectl, self.name, self.namespace = kubectl, host.name, namespace
        kubectl.wait("serviceaccount/default", "create", namespace)  # without it no Pod is admitted
        kubectl.apply({
            "apiVersion": "v1", "kind": "Pod", "metadata": {"name": self.name, "namespace": namespace, "labels": labels},
            "spec": {"nodeName": node, "containers": [
                {"name": "server", "image": "server", "ports": [{"name": "tls", "containerPort": port}]}]}})
        self._report(ready, host)

    def set_ready(self, ready):
        """What its readiness probe would say."""
        self._report(ready)

    def terminate(self):
        """Deleted, but still within its grace period; gone() ends it."""
        self._kubectl("delete", "pod", self.name, "--namespace", self.namespace, "--wait=false", "--grace-period=600")

    def gone(self):
        self._kubectl("delete", "pod", self.name, "--namespace", self.namespace, "--force", "--grace-period=0")

    def _report(self, ready, host=None):
        report(self._kubectl, self.name, self.namespace, ready, host)
