# SPDX-License-Identifier: Apache-2.0
"""
The agent as the Pod that the DaemonSet's controller makes for a node. The rest is played here: scheduler and kubelet (environment,
volumes, token, probes), and by container.py the container runtime.
"""

import functools
import os
from types import SimpleNamespace
from urllib.parse import urlsplit

from .. import container
from ..sandbox import BPFFS, WORK
from ..slipgated import Slipgated
from ..wait import eventually
from .base import NAMESPACE
from .control_plane import SERVER
from .kubectl import PATIENCE
from .pods import bind, report

HOST_PATHS = {"/sys/fs/bpf": BPFFS}  # of a node, and what is there in a test


def field(item, path):
    """What a fieldPath of the downward API names."""
    return functools.reduce(dict.get, path.split("."), item)


class DaemonSlipgated(Slipgated):
    PATIENCE = PATIENCE

    def __init__(self, gateway, kubectl, node, addresses):
        """`kubectl`: the administrator's; `node`: its name; `addresses`: of the node, by family."""
        super().__init__(gateway)
        self._kubectl, self._node, self._host = kubectl, node, SimpleNamespace(address=addresses)

    @property
    def name(self):
        return self.pod["metadata"]["name"]

    @property
    def _container(self):
        only, = self.pod["spec"]["containers"]
        return only

    def launch(self):
        """Takes the Pod that waits for this node, once there is one."""
        self.pod = eventually(self._waiting, "the DaemonSet's controller makes a Pod", PATIENCE)
        bind(self._kubectl, self.pod, self._node)
        self.pod = self._kubectl.json("get", "pod", self.name, "--namespace", NAMESPACE)
        self.refresh()
        super().launch()

    def _waiting(self):
        pods = self._kubectl.json("get", "pods", "--namespace", NAMESPACE)["items"]
        return next((pod for pod in pods if "nodeName" not in pod["spec"] and "deletionTimestamp" not in pod["metadata"]), None)

    def refresh(self):
        """Writes the projected volumes, with a new token."""
        for volume in self.pod["spec"]["volumes"]:
            for source in volume.get("projected", {"sources": []})["sources"]:
                for path, content in self._files(source):
                    self._write(self._folder(volume) / path, content)

    def _files(self, source):
        """(path, content) of what a source of a projected volume gives."""
        (kind, told), = source.items()
        if kind == "serviceAccountToken":
            yield told["path"], self._token(told["expirationSeconds"])
        elif kind == "configMap":
            self._kubectl.wait(f"configmap/{told['name']}", "create", NAMESPACE)
            data = self._kubectl.json("get", "configmap", told["name"], "--namespace", NAMESPACE)["data"]
            yield from ((item["path"], data[item["key"]]) for item in told["items"])
        else:
            yield from ((item["path"], field(self.pod, item["fieldRef"]["fieldPath"])) for item in source["downwardAPI"]["items"])

    def _token(self, seconds):
        return self._kubectl("create", "token", self.pod["spec"]["serviceAccountName"], "--namespace", NAMESPACE, "--bound-object-kind=Pod",
                             "--bound-object-name", self.name, f"--duration={seconds}s").strip()

    @staticmethod
    def _write(path, content):
        path.parent.mkdir(exist_ok=True)
        new = path.with_name(f".{path.name}.new")
        new.write_text(content)
        os.rename(new, path)

    @staticmethod
    def _folder(volume):
        """What is mounted."""
        return HOST_PATHS[volume["hostPath"]["path"]] if "hostPath" in volume else WORK / volume["name"]

    def command(self):
        return self._contained(self._container["args"])

    def _contained(self, arguments):
        folders = {volume["name"]: self._folder(volume) for volume in self.pod["spec"]["volumes"]}
        mounts = [(folders[mount["name"]], mount["mountPath"], mount.get("readOnly", False)) for mount in self._container["volumeMounts"]]
        return container.command(self._container["securityContext"], [self.program, *arguments], mounts, self._environment())

    def _environment(self):
        server = urlsplit(SERVER)  # in the place of the Service `kubernetes`, which is the task of kube-proxy
        return {"KUBERNETES_SERVICE_HOST": server.hostname, "KUBERNETES_SERVICE_PORT": server.port} | {
            entry["name"]: field(self.pod, entry["valueFrom"]["fieldRef"]["fieldPath"]) for entry in self._container["env"]}

    def wait_until_ready(self, process):
        super().wait_until_ready(process)
        report(self._kubectl, self.name, NAMESPACE, True, self._host, self._container["name"])

    def ready(self):
        return self.passes("readinessProbe")

    def passes(self, probe):
        asked = self._container[probe]["httpGet"]
        assert (asked["host"], asked["port"]) == ("127.0.0.1", self.HTTP_PORT)
        answer = self.get(asked["path"])
        return answer is not None and answer[0] == 200

    def delete(self):
        """The Pod, as `kubectl delete pod` does with the help of a kubelet; its controller makes another one."""
        self.terminate()
        self._kubectl("delete", "pod", self.name, "--namespace", NAMESPACE, "--force", "--grace-period=0")

    def run_once(self, name):
        """A Pod of this name that ends by itself, and is deleted then; the agent's own must have ended."""
        before, self.pod = self.pod, self._kubectl.json("get", "pod", name, "--namespace", NAMESPACE)
        try:
            self.refresh()
            self._gateway.run(*self.command())
        finally:
            self._kubectl("delete", "pod", name, "--namespace", NAMESPACE, "--force", "--grace-period=0")
            self.pod = before

    def uninstall(self):
        """In a Pod like that of the DaemonSet, which must have ended."""
        self._gateway.run(*self._contained([*self._container["args"], "--uninstall"]))

    def close(self):
        if self._process:
            self._process.close()
            self.uninstall()
        self._kubectl("delete", "daemonset", "--all", "--namespace", NAMESPACE)
        self._kubectl("delete", "pods", "--all", "--namespace", NAMESPACE, "--force", "--grace-period=0")
