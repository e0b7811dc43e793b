# SPDX-License-Identifier: Apache-2.0
"""kube_follow against the stand-in API server: what the tests of the Kubernetes source share."""

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

PROGRAM = Path(os.environ["SLIPGATE_BUILD"], "bin/kube_follow")
NEVER = 10 * PATIENCE * 1000  # ms; silence of a healthy server must not end a test


def service(name, port=443):
    made = manifests.service(name)
    made["spec"]["ports"][0]["port"] = port
    return made


class Follower:
    """kube_follow, and the last that it said."""

    def __init__(self, folder, server, user=None, cluster=None, silence_ms=NEVER, within=()):
        """`within`: a command that runs another one."""
        kubeconfig = Path(folder, "kubeconfig")
        kubeconfig.write_text(json.dumps({
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": server, **(cluster or {})}}],
            "users": [{"name": "test", "user": user or {}}]}))
        self.states, self.missing, self.followed = [], None, {}
        self._log = Path(folder, "log").open("w+b")
        self._process = subprocess.Popen([*within, PROGRAM, kubeconfig, str(silence_ms)], stdout=subprocess.PIPE,
                                         stderr=self._log)
        self._lines = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(json.loads(line))

    def _update(self):
        while not self._lines.empty():
            said = self._lines.get()
            if "state" in said:
                self.states.append(said["state"])
            elif "followed" in said:
                self.followed = said["followed"]
            else:
                self.missing = said["missing"]

    def wait_for(self, what, condition):
        """`condition` of this follower, with all that it said until now."""
        def holds():
            self._update()
            return condition(self)

        try:
            return eventually(holds, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\nstate: {self.states[-1:]}\nmissing: {self.missing}\n{self.log()}") from None

    def of(self, kind):
        """The objects of a kind in the last state, None before the first."""
        return (self.states[-1] or {}).get(kind, {}) if self.states else None

    def log(self):
        self._log.flush()
        return Path(self._log.name).read_text()

    def close(self):
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        self._log.close()


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
