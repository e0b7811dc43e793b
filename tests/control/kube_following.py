# SPDX-License-Identifier: Apache-2.0
"""kube_follow and kube_write against the stand-in API server: what the tests of the Kubernetes source share."""

import json
import tempfile
import unittest
from pathlib import Path

from harness import manifests
from harness.api_server import ApiServer
from harness.kube_programs import Follower, Writer
from harness.wait import eventually


def service(name, port=443):
    made = manifests.service(name)
    made["spec"]["ports"][0]["port"] = port
    return made


class KubeSource(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.api = ApiServer()
        self.addCleanup(self.stop_api)

    def stop_api(self):
        self.api.stop()

    def kubeconfig(self):
        """The same file for all programs of a test."""
        file = self.folder / "kubeconfig"
        file.write_text(json.dumps({
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{self.api.port}"}}],
            "users": [{"name": "test", "user": {}}]}))
        return file

    def follow(self, **options):
        return self.running(Follower(self.kubeconfig(), **options))

    def write(self, **options):
        return self.running(Writer(self.kubeconfig(), **options))

    def running(self, program):
        self.addCleanup(program.close)
        return program

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
