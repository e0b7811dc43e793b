# SPDX-License-Identifier: Apache-2.0
"""The control plane of the tests is one: it has the CRDs and their policy, forgets nothing, and lets nobody do all."""

import json
import re

from harness import eventually, main
from harness.kube import PATIENCE, KubeCase
from harness.kube.control_plane import CRDS
from harness.manifests import GATEWAY_GROUP
from pods import Pods

BUNDLE = f"{GATEWAY_GROUP}/bundle-version"


class ControlPlane(Pods, KubeCase):
    def test_every_crd_is_established(self):
        crds = {crd["metadata"]["name"]: crd for crd in self.kubectl.json("get", "crd")["items"]}
        files = [path.stem.partition("_")[2] for path in CRDS.glob("*.yaml") if "_vap_" not in path.name]
        self.assertEqual(set(crds), {f"{plural}.{GATEWAY_GROUP}" for plural in files})
        version = re.search(r"release (v[\d.]+\d)", (CRDS / "README.md").read_text())[1]
        for name, crd in crds.items():
            with self.subTest(crd=name):
                conditions = {condition["type"]: condition["status"] for condition in crd["status"]["conditions"]}
                self.assertEqual(conditions["Established"], "True")
                self.assertEqual(crd["metadata"]["annotations"][BUNDLE], version)

    def test_the_policy_refuses_an_older_crd(self):
        older = ("annotate", "crd", f"tlsroutes.{GATEWAY_GROUP}", "--overwrite", "--dry-run=server", f"{BUNDLE}=v1.2.0")
        eventually(lambda: not self.kubectl.works(*older), "the policy takes effect", PATIENCE)
        self.assertIn(f"safe-upgrades.{GATEWAY_GROUP}", self.kubectl.refused(*older))

    def test_a_restarted_api_server_has_kept_its_objects(self):
        self.kubectl("create", "configmap", "kept", "--from-literal=a=b")
        before = self.kubectl.json("get", "configmap", "kept")
        self.control_plane.kill_api_server()
        self.kubectl.refused("get", "configmap", "kept")
        self.control_plane.start_api_server()
        self.assertEqual(self.kubectl.json("get", "configmap", "kept"), before)

    def test_the_past_can_be_compacted_away(self):
        """The rest of a list that began before cannot be had."""
        for name in "one", "two":
            self.kubectl("create", "configmap", name, "--namespace", "kube-public")
        pages = "/api/v1/namespaces/kube-public/configmaps?limit=1"
        begun = json.loads(self.kubectl("get", "--raw", pages))["metadata"]["continue"]
        self.kubectl("delete", "configmap", "two", "--namespace", "kube-public")
        self.control_plane.kill_api_server()  # it remembers lists of its own time
        self.control_plane.compact()
        self.control_plane.start_api_server()
        self.assertIn("too old", self.kubectl.refused("get", "--raw", f"{pages}&continue={begun}"))

    def test_a_service_account_may_do_what_its_role_says_and_no_more(self):
        self.kubectl("create", "serviceaccount", "reader")
        self.kubectl("create", "role", "reader", "--verb=get,list", "--resource=services")
        reader = self.control_plane.service_account("default", "reader")
        self.assertIn('cannot list resource "services"', reader.refused("get", "services"))
        self.kubectl("create", "rolebinding", "reader", "--role=reader", "--serviceaccount=default:reader")
        eventually(lambda: reader.works("get", "services"), "the Role takes effect", PATIENCE)
        self.assertIn('cannot list resource "pods"', reader.refused("get", "pods"))
        self.assertIn('cannot delete resource "services"', reader.refused("delete", "service", "kubernetes"))
        self.assertIn('in the namespace "kube-system"', reader.refused("get", "services", "--namespace", "kube-system"))


if __name__ == "__main__":
    main()
