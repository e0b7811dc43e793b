# SPDX-License-Identifier: Apache-2.0
"""
Scheduler and kubelet for Pods of nginx that controllers make from a Deployment: each gets a Host with its addresses, and nginx
runs there with the files its volumes give it, under the name of its Pod.
"""

import base64
from pathlib import Path

from ..sandbox import WORK
from ..wait import eventually
from .kubectl import PATIENCE
from .pods import bind, report

# The Pod's own /etc/nginx, and whatever else nginx writes to; its name is the host name.
_CONTAINER = """
set -e
hostname "$0"
for folder in /etc/nginx /run /var/lib/nginx /var/log/nginx; do mount -t tmpfs tmpfs "$folder"; done
cp -r "$1"/. /
exec nginx -g 'daemon off;'
"""


class Kubelet:
    """Acts when it is asked to. Of Pods that find no free Host, or whose Secret is missing, none runs before that changes."""

    def __init__(self, kubectl, hosts, node="node1"):
        self._kubectl, self._free, self._node = kubectl, list(hosts), node
        self._running = {}  # by UID: (Host, Process)

    def sync(self):
        pods = self._kubectl.json("get", "pods", "--all-namespaces")["items"]
        for pod in pods:
            metadata = pod["metadata"]
            if "deletionTimestamp" in metadata:
                self._end(metadata["uid"])
                self._kubectl("delete", "pod", metadata["name"], "--namespace", metadata["namespace"],
                              "--force", "--grace-period=0", "--ignore-not-found")
            elif metadata["uid"] not in self._running and self._free:
                self._start(pod)
        for uid in set(self._running) - {pod["metadata"]["uid"] for pod in pods}:
            self._end(uid)

    def close(self):
        for uid in list(self._running):
            self._end(uid)

    def _start(self, pod):
        files = self._files_of(pod)
        if files is None:
            return
        name, namespace = pod["metadata"]["name"], pod["metadata"]["namespace"]
        folder = WORK / "pods" / name
        for path, content in files.items():
            file = folder / path.lstrip("/")
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        bind(self._kubectl, pod, self._node)
        host = self._free.pop(0)
        process = host.start("unshare", "--mount", "--uts", "sh", "-c", _CONTAINER, name, folder, log=WORK / f"{name}.log")
        self._running[pod["metadata"]["uid"]] = host, process
        container = pod["spec"]["containers"][0]
        port = container["ports"][0]["containerPort"]
        eventually(lambda: not process.running or host.run("ss", "-Hltn", "sport", "=", f":{port}").stdout, f"{name} listens", PATIENCE)
        if not process.running:
            raise AssertionError(f"{name} ended:\n{process.log_text()}")
        report(self._kubectl, name, namespace, True, host, container["name"])

    def _end(self, uid):
        if uid in self._running:
            host, process = self._running.pop(uid)
            if process.running:
                process.stop()
            self._free.append(host)

    def _files_of(self, pod):
        """{path: content} of what its volumes hold; None while one of them does not exist."""
        spec, namespace, files = pod["spec"], pod["metadata"]["namespace"], {}
        mounts = {mount["name"]: mount for mount in spec["containers"][0]["volumeMounts"]}
        for volume in spec["volumes"]:
            kind, name = next(((kind, volume[kind].get("name") or volume[kind].get("secretName"))
                               for kind in ("secret", "configMap") if kind in volume), (None, None))
            if kind is None:
                continue  # the token that Kubernetes adds
            if not self._kubectl.works("get", kind, name, "--namespace", namespace):
                return None
            mount = mounts[volume["name"]]
            for key, value in self._kubectl.json("get", kind, name, "--namespace", namespace)["data"].items():
                path = Path(mount["mountPath"]) if mount.get("subPath") == key else Path(mount["mountPath"], key)
                files[str(path)] = base64.b64decode(value) if kind == "secret" else value.encode()
        return files
