# SPDX-License-Identifier: Apache-2.0
"""
etcd, kube-apiserver and kube-controller-manager as processes on the loopback of a network namespace. There is no kubelet and
no scheduler: pods.py plays their part. All data lies in the sandbox.
"""

import http.client
import json
import secrets
import shutil
import signal
import subprocess
from pathlib import Path

from .. import certificates
from ..sandbox import WORK
from ..wait import eventually
from . import binaries
from .kubectl import PATIENCE, Kubectl

SERVER = "https://127.0.0.1:6443"
ETCD_PORT = 2379
ADVERTISED = "192.0.2.1"  # endpoint of the Service "kubernetes", which may not be a loopback address; nobody is there
CRDS = Path(__file__).resolve().parents[2] / "kube/crds"
SERVICE_RANGES = "10.96.0.0/16,fd00:10:96::/112"
CONTROLLERS = ("endpoints-controller", "endpointslice-controller", "endpointslice-mirroring-controller",
               "namespace-controller", "garbage-collector-controller", "serviceaccount-controller",
               "replicaset-controller", "deployment-controller", "root-ca-certificate-publisher-controller")


class ControlPlane:
    """`kubectl` is the administrator's; `operator` a client certificate, of a user of that name without any rights."""

    def __init__(self, space):
        self._space, self.folder = space, WORK / "kube"
        self.folder.mkdir()
        self._data = self.folder / "etcd"
        self._etcd = self._api_server = self._controllers = None
        self._signing_key = self.folder / "service-account.key"
        self._make_signing_key()
        self.operator = certificates.make("operator", ["operator"])
        token = secrets.token_hex(16)
        self._tokens = self.folder / "tokens"
        self._tokens.write_text(f'{token},admin,admin,"system:masters"\n')
        self.kubectl = Kubectl(space, self._kubeconfig("admin", token))

    def start(self, more_controllers=()):
        """Returns when the API server answers; the controllers follow."""
        self._names_of_controllers = ",".join([*CONTROLLERS, *more_controllers])
        self._start_all()

    def _start_all(self):
        client, peer = f"http://127.0.0.1:{ETCD_PORT}", "http://127.0.0.1:2380"
        self._etcd = self._run("etcd", "--data-dir", self._data, "--unsafe-no-fsync", "--log-level=warn",
                               "--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
                               "--initial-advertise-peer-urls", peer, "--initial-cluster", f"default={peer}")
        self.start_api_server()
        self._controllers = self._run("kube-controller-manager", "--kubeconfig", self.kubectl.kubeconfig, "--leader-elect=false",
                                      "--service-account-private-key-file", self._signing_key, "--root-ca-file", self._ca,
                                      "--controllers", self._names_of_controllers)

    def start_api_server(self):
        """Also after kill_api_server(): it finds what it kept in etcd."""
        self._api_server = self._run(
            "kube-apiserver", "--etcd-servers", f"http://127.0.0.1:{ETCD_PORT}", "--cert-dir", self._certificates,
            "--bind-address=127.0.0.1", "--secure-port=6443", "--advertise-address", ADVERTISED,
            "--service-account-issuer=https://kubernetes.default.svc", "--service-account-key-file", self._signing_key,
            "--service-account-signing-key-file", self._signing_key,
            "--token-auth-file", self._tokens, "--client-ca-file", self.operator.certificate, "--authorization-mode=RBAC",
            "--service-cluster-ip-range", SERVICE_RANGES,
            "--allow-privileged")
        eventually(lambda: not self._api_server.running or self.kubectl.works("get", "--raw", "/readyz"),
                   "kube-apiserver answers /readyz")  # for longer than kubectl.PATIENCE: it is no condition of ours
        if not self._api_server.running:
            raise AssertionError(f"kube-apiserver ended:\n{self._api_server.log_text()[-4000:]}")

    def kill_api_server(self):
        self._api_server.kill()

    def revoke_tokens(self):
        """Those of all ServiceAccounts: the API server starts again with another key."""
        self.kill_api_server()
        self._make_signing_key()
        self.start_api_server()

    def install_gateway_api(self):
        self.kubectl("apply", "--server-side", "--filename", CRDS)
        self.kubectl("wait", "crd", "--all", "--for=condition=Established", "--timeout=30s")
        eventually(lambda: self.kubectl.works("get", "gatewayclasses,gateways,listenersets,tlsroutes,referencegrants"), "they are found", PATIENCE)

    @property
    def _backup(self):
        return self.folder / "backup"

    def back_up(self):
        """Keeps what etcd has now; it sleeps meanwhile, so the copy is what it would find after a crash."""
        self._etcd.send_signal(signal.SIGSTOP)
        try:
            shutil.copytree(self._data, self._backup)
        finally:
            self._etcd.send_signal(signal.SIGCONT)

    def restore(self):
        """Everything is as it was when it was backed up, and its revisions are lower than those that were seen since."""
        self.close()
        shutil.rmtree(self._data)
        shutil.move(self._backup, self._data)
        self._start_all()

    def compact(self):
        """Takes from etcd every revision but the last, as happens by itself after five minutes."""
        revision = self._ask_etcd("/v3/kv/range", {"key": "AA=="})["header"]["revision"]
        self._ask_etcd("/v3/kv/compaction", {"revision": revision, "physical": True})

    def service_account(self, namespace, name):
        """kubectl as that ServiceAccount, with a token of an hour."""
        token = self.kubectl("create", "token", name, "--namespace", namespace, "--duration=1h").strip()
        return Kubectl(self._space, self._kubeconfig(f"{namespace}-{name}", token))

    def close(self):
        for process in self._controllers, self._api_server, self._etcd:
            if process:
                process.close()

    @property
    def _certificates(self):
        return self.folder / "certificates"

    @property
    def _ca(self):
        """The API server signs its own certificate, which therefore is the CA."""
        return self._certificates / "apiserver.crt"

    def _make_signing_key(self):
        subprocess.run(["openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", self._signing_key], check=True)

    def _run(self, program, *flags):
        return self._space.start(binaries.folder() / program, *flags, log=self.folder / f"{program}.log")

    def _kubeconfig(self, user, token):
        """JSON is YAML."""
        file = self.folder / f"{user}.kubeconfig"
        file.write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "test",
            "clusters": [{"name": "test", "cluster": {"server": SERVER, "certificate-authority": str(self._ca)}}],
            "users": [{"name": user, "user": {"token": token}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": user}}]}, indent=2))
        return file

    def _ask_etcd(self, path, request):
        connection = http.client.HTTPConnection("127.0.0.1", ETCD_PORT, timeout=30)
        with self._space.entered():
            connection.connect()
        connection.request("POST", path, json.dumps(request))
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        if answer.status != 200:
            raise AssertionError(f"etcd {path}: {answer.status} {body}")
        return json.loads(body)
