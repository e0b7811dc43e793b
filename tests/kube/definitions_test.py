# SPDX-License-Identifier: Apache-2.0
"""CustomResourceDefinitions of a cluster that is served: taken out and put back, and with other versions."""

import json

from harness import eventually, main, manifests
from harness.kube import PATIENCE, ServedCase
from harness.kube.traffic import Traffic


class Definitions(ServedCase):
    def setUp(self):
        self.one, self.other = self.network.backends
        self.serve("steady", self.one)

    def remove(self, plural):
        """The definition, and with it all objects of the kind."""
        self.kubectl("delete", "crd", f"{plural}.gateway.networking.k8s.io")
        self.addCleanup(self.control_plane.install_gateway_api)

    def test_a_kind_that_is_gone_takes_nothing_with_it(self):
        self.route("other", {"steady": 1})
        self.expect("other", self.one)
        with Traffic(lambda: self.connect("steady")):
            self.remove("referencegrants")
            self.kubectl("delete", "tlsroute", "other")
            self.expect("other")
            self.control_plane.install_gateway_api()
            self.route("other", {"steady": 1})
            self.expect("other", self.one)

    def test_routes_are_gone_with_their_definition_and_served_again_after_it(self):
        with self.connect("steady") as live:
            self.remove("tlsroutes")
            self.expect("steady")
            self.expect_alive(live)
        self.control_plane.install_gateway_api()
        eventually(lambda: self.kubectl.works("get", "tlsroutes"), "they are served again", PATIENCE)
        self.kubectl.apply(manifests.tls_route("steady", ["steady.example.com"], {"steady": 1}))
        self.expect("steady", self.one)
        self.kubectl.wait("gateway/gateway", "condition=Programmed")

    def test_routes_are_followed_in_the_version_that_is_served(self):
        """As clusters with the experimental channel of earlier releases serve them."""
        self.addCleanup(self.serve_only, "v1")
        with Traffic(lambda: self.connect("steady")):
            for version in "v1alpha3", "v1alpha2", "v1":
                with self.subTest(version):
                    self.serve_only(version)
                    route = manifests.tls_route(f"of-{version}", [f"of-{version}.example.com"], {"steady": 1})
                    route["apiVersion"] = f"gateway.networking.k8s.io/{version}"
                    self.kubectl.apply(route)
                    self.expect(f"of-{version}", self.one)
                    self.kubectl.wait(f"tlsroutes.{version}.gateway.networking.k8s.io/of-{version}",
                                      "jsonpath={.status.parents[0].conditions[?(@.type=='Accepted')].status}=True")
                    self.kubectl("delete", f"tlsroutes.{version}.gateway.networking.k8s.io", f"of-{version}")
                    self.expect(f"of-{version}")

    def serve_only(self, version):
        """TLSRoutes in this version, in which they are stored, too."""
        crd = "tlsroutes.gateway.networking.k8s.io"
        versions = self.kubectl.json("get", "crd", crd)["spec"]["versions"]
        for each in versions:
            each |= {"served": each["name"] == version, "storage": each["name"] == version}
        self.kubectl("patch", "crd", crd, "--type=merge", "--patch", json.dumps({"spec": {"versions": versions}}))
        eventually(lambda: self.kubectl.works("get", f"tlsroutes.{version}.gateway.networking.k8s.io"), f"{version} is served", PATIENCE)


if __name__ == "__main__":
    main()
