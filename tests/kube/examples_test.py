# SPDX-License-Identifier: Apache-2.0
"""Every manifest a user is given is one that an API server takes without a warning."""

from pathlib import Path

from harness import main
from harness.kube import KubeCase, cert_manager

K8S = Path(__file__).resolve().parents[2] / "k8s"
DRY_RUN = "apply", "--dry-run=server", "--warnings-as-errors"


class Examples(KubeCase):
    backends = 0

    def test_the_api_server_takes_every_example(self):
        files = sorted(path for path in (K8S / "examples").rglob("*.yaml") if path.name != "kustomization.yaml")
        self.assertTrue(files)
        cert_manager.install_kinds(self.kubectl)
        self.make_namespaces(files)
        for file in files:
            with self.subTest(file=str(file.relative_to(K8S))):
                self.kubectl(*DRY_RUN, "--filename", file)

    def test_the_api_server_takes_the_base_and_what_is_put_on_top_of_it(self):
        folders = [K8S / "base", *(file.parent for file in (K8S / "examples").rglob("kustomization.yaml"))]
        self.assertGreater(len(folders), 1)
        self.kubectl("apply", "--filename", K8S / "base/namespace.yaml")  # a dry run of the others needs it
        for folder in folders:
            with self.subTest(folder=str(folder.relative_to(K8S))):
                self.kubectl(*DRY_RUN, "--kustomize", folder)

    def make_namespaces(self, files):
        """A dry run of an object needs its namespace."""
        everything = self.kubectl.objects_of(*(word for file in files for word in ("--filename", file)))
        self.kubectl.apply(*[item for item in everything if item["kind"] == "Namespace"])


if __name__ == "__main__":
    main()
