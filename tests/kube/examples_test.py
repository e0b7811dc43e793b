# SPDX-License-Identifier: Apache-2.0
"""Every manifest a user is given is one that an API server takes."""

from pathlib import Path

from harness import main
from harness.kube import KubeCase

K8S = Path(__file__).resolve().parents[2] / "k8s"


class Examples(KubeCase):
    backends = 0

    def test_the_api_server_takes_every_example(self):
        files = sorted((K8S / "examples").rglob("*.yaml"))
        self.assertTrue(files)
        self.make_namespaces()
        for file in files:
            with self.subTest(file=str(file.relative_to(K8S))):
                self.kubectl("apply", "--dry-run=server", "--filename", file)

    def make_namespaces(self):
        """A dry run of an object needs its namespace."""
        everything = self.kubectl.objects_of("--recursive", "--filename", K8S / "examples")
        self.kubectl.apply(*[item for item in everything if item["kind"] == "Namespace"])


if __name__ == "__main__":
    main()
