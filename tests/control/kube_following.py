# SPDX-License-Identifier: Apache-2.0
"""kube_follow and kube_write against the stand-in API server: what the tests of the Kubernetes source share."""

import json
import os
import queue
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from harness import manifests
from harness.api_server import ApiServer
from harness.wait import PATIENCE, eventually

PROGRAMS = Path(os.environ["SLIPGATE_BUILD"], "bin")
NEVER = 10 * PATIENCE * 1000  # ms; silence of a healthy server must not end a test


def service(name, port=443):
    made = manifests.service(name)
    made["spec"]["ports"][0]["port"] = port
    return made


class Program:
    """A program that follows an API server and says, as lines of JSON, what comes of it."""

    name = arguments = None

    def __init__(self, folder, server, user=None, cluster=None, silence_ms=NEVER, within=()):
        """`within`: a command that runs another one."""
        kubeconfig = Path(folder, "kubeconfig")  # the same for all programs of a test
        kubeconfig.write_text(json.dumps({
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": server, **(cluster or {})}}],
            "users": [{"name": "test", "user": user or {}}]}))
        self._log = tempfile.NamedTemporaryFile(dir=folder, prefix="log-")
        self._process = subprocess.Popen([*within, PROGRAMS / self.name, kubeconfig, str(silence_ms), *self.arguments],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log)
        self._lines = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(json.loads(line))

    def wait_for(self, what, condition):
        """`condition` of this program, with all that it said until now."""
        def holds():
            while not self._lines.empty():
                self._hear(self._lines.get())
            return condition(self)

        try:
            return eventually(holds, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self}\n{self.log()}") from None

    def _hear(self, said):
        raise NotImplementedError

    def log(self):
        return Path(self._log.name).read_text()

    def end(self):
        """In good order."""
        self._process.stdin.close()
        self._process.wait()

    def kill(self):
        self._process.kill()
        self._process.wait()

    def close(self):
        self.kill()
        self._reader.join()
        self._process.stdin.close()
        self._process.stdout.close()
        self._log.close()


class Follower(Program):
    """kube_follow, and the last that it said."""

    name, arguments = "kube_follow", ()

    def __init__(self, *arguments, **options):
        self.states, self.missing, self.followed = [], None, {}
        super().__init__(*arguments, **options)

    def _hear(self, said):
        if "state" in said:
            self.states.append(said["state"])
        elif "followed" in said:
            self.followed = said["followed"]
        else:
            self.missing = said["missing"]

    def of(self, kind):
        """The objects of a kind in the last state, None before the first."""
        return (self.states[-1] or {}).get(kind, {}) if self.states else None

    def __str__(self):
        return f"state: {self.states[-1:]}\nmissing: {self.missing}"


class Writer(Program):
    """kube_write, and the last that it said: `writer`, `pending`, `writes` and `events` by their result."""

    name = "kube_write"

    def __init__(self, folder, server, node="node-1", rejection_ms=NEVER, **options):
        self.arguments = [node, str(rejection_ms)]
        self.writer, self.pending, self.writes, self.events = False, 0, {}, {}
        super().__init__(folder, server, **options)

    def _hear(self, said):
        vars(self).update(said)

    def __str__(self):
        return f"writer: {self.writer}, pending: {self.pending}, writes: {self.writes}, events: {self.events}"


class KubeSource(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.api = ApiServer()
        self.addCleanup(self.stop_api)

    def stop_api(self):
        self.api.stop()

    def follow(self, server=None, **options):
        follower = Follower(self.folder, server or f"http://127.0.0.1:{self.api.port}", **options)
        self.addCleanup(follower.close)
        return follower

    def wait_for_services(self, follower, services):
        follower.wait_for(f"services are {services}", lambda f: f.of("Service") == services)

    def follow_one_service(self, **options):
        """A follower that watches services, of which there is one."""
        self.api.put(service("a"))
        follower = self.follow(**options)
        self.wait_for_services(follower, {"default/a": [443]})
        eventually(lambda: self.api.count("services", "watch") == 1, "services are watched")
        return follower

    def change_and_see(self, follower):
        """The source has not lost its thread: one more service comes, and one goes."""
        self.api.put(service("more", 1))
        follower.wait_for("another service", lambda f: f.of("Service").get("default/more") == [1])
        self.api.delete(service("more"))
        follower.wait_for("it is gone again", lambda f: "default/more" not in f.of("Service"))
