# SPDX-License-Identifier: Apache-2.0
"""kubectl, as one user of the cluster."""

import json

from ..sandbox import WORK
from ..wait import eventually
from . import binaries

PATIENCE = 30  # seconds for a condition to come true
AFTER_FAILURES = 120  # seconds for what the agent tries again: after failures in a row it rests for up to 30


class Kubectl:
    def __init__(self, space, kubeconfig):
        """`space`: the Namespace it runs in; `kubeconfig`: the file that says where the API server is, and as whom."""
        self._space, self.kubeconfig = space, kubeconfig

    def command(self):
        """The command line without the arguments, for any network namespace."""
        return self._space.command(*self._program())

    def _program(self):
        return binaries.folder() / "kubectl", "--kubeconfig", self.kubeconfig, "--cache-dir", WORK / "kubectl"

    def _run(self, arguments, **options):
        return self._space.run(*self._program(), *arguments, **options)

    def __call__(self, *arguments, input=None):
        """What it prints. AssertionError with its message if it fails."""
        return self._run(arguments, input=input).stdout

    def refused(self, *arguments, input=None):
        """The message with which it must fail."""
        done = self._run(arguments, input=input, check=False)
        if done.returncode == 0:
            raise AssertionError(f"kubectl {' '.join(map(str, arguments))} was not refused:\n{done.stdout}")
        return done.stderr

    def works(self, *arguments, input=None):
        """Whether it succeeds."""
        return self._run(arguments, check=False, input=input).returncode == 0

    def start(self, *arguments, log):
        """It runs beside the test; returns the Process."""
        return self._space.start(*self._program(), *arguments, log=log)

    def json(self, *arguments):
        return json.loads(self(*arguments, "--output", "json"))

    def objects_of(self, *source):
        """What is in manifests, as a list: `source` is "--filename", PATH or "--kustomize", FOLDER."""
        text = self("create", "--dry-run=client", "--output", "json", *source)
        decoder, objects, end = json.JSONDecoder(), [], 0
        while text[end:].strip():
            start = text.index("{", end)  # one document after the other
            item, end = decoder.raw_decode(text, start)
            objects.append(item)
        return objects

    def apply(self, *objects):
        """Objects as dictionaries."""
        return self("apply", "--filename", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))

    def patch_status(self, thing, status, namespace="default"):
        """What a controller or kubelet does: `thing` is "pod/name"; the status is merged into the one it has."""
        self("patch", thing, "--namespace", namespace, "--subresource=status", "--type=merge",
             "--patch", json.dumps({"status": status}))

    def wait(self, thing, condition, namespace="default"):
        """`condition` as of `kubectl wait --for`: "condition=Programmed", "create", "delete", "jsonpath=...": """
        self("wait", thing, "--namespace", namespace, f"--for={condition}", f"--timeout={PATIENCE}s")

    def wait_until_accepted(self, route, kind="tlsroute"):
        """A TLSRoute of `default`, by its first parent."""
        self.wait(f"{kind}/{route}", "jsonpath={.status.parents[0].conditions[?(@.type=='Accepted')].status}=True")

    def eventually(self, condition, what, *arguments, patience=PATIENCE):
        """Waits until condition(object) is true of what `kubectl get <arguments>` gives, and returns that object."""
        def found():
            got = self.json("get", *arguments)
            return got if condition(got) else None
        return eventually(found, what, patience)
