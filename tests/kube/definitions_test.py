# SPDX-License-Identifier: Apache-2.0
"""CustomResourceDefinitions that are taken out of a cluster that is served, and put back."""

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
            live.sendall(b"still here?")
            self.assertEqual(live.recv(100), b"still here?")
        self.control_plane.install_gateway_api()
        eventually(lambda: self.kubectl.works("get", "tlsroutes"), "they are served again", PATIENCE)
        self.kubectl.apply(manifests.tls_route("steady", ["steady.example.com"], {"steady": 1}))
        self.expect("steady", self.one)
        self.kubectl.wait("gateway/gateway", "condition=Programmed")


if __name__ == "__main__":
    main()
