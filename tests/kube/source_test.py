# SPDX-License-Identifier: Apache-2.0
"""What the Kubernetes source makes of the objects of a real API server: kube_follow, without the rest of the agent."""

import json
from itertools import pairwise

from harness import eventually, main, manifests
from harness.kube import PATIENCE, KubeCase, add_node, schema
from harness.kube_programs import Follower
from harness.manifests import GATEWAY_GROUP
from refused_statuses import RefusedStatuses
from transport import Transport

BUNDLE_VERSION = f"{GATEWAY_GROUP}/bundle-version"


class Source(Transport, RefusedStatuses, KubeCase):
    backends = 0

    def follow(self, kubeconfig=None, within=None, **options):
        follower = Follower(kubeconfig or self.kubectl.kubeconfig, within=within or self.gateway.command(), **options)
        self.addCleanup(follower.close)
        return follower

    def follow_first(self):
        """Returns with the first state."""
        follower = self.follow()
        follower.wait_for("the first state", lambda f: f.states)
        return follower

    def apply(self, *objects):
        """Gone with the test. Taken some time after a change of their schema."""
        text = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        eventually(lambda: self.kubectl.works("apply", "--filename", "-", input=text), "they are taken", PATIENCE)
        self.addCleanup(self.delete, *objects)

    def delete(self, *objects):
        every = json.dumps({"apiVersion": "v1", "kind": "List", "items": objects})
        self.kubectl("delete", "--ignore-not-found", "--wait=false", "--filename", "-", input=every)

    def test_every_kind_is_listed_and_watched_until_it_is_gone(self):
        listed = self.follow_first()
        add_node(self.kubectl, "node-1", ["192.0.2.1"])
        self.apply(
            manifests.gateway_class("mine"), manifests.gateway(["192.0.2.1"]), manifests.listener_set("more"),
            manifests.tls_route("r", ["a.example.com"], {"s": 1}), *manifests.backend("s", ["192.0.2.9"]),
            manifests.reference_grant("default"), {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
            {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": "more"},
             "spec": {"cidrs": ["10.98.0.0/24"]}})
        kinds = {"GatewayClass": "mine", "Gateway": "default/gateway", "ListenerSet": "default/more", "TLSRoute": "default/r",
                 "Service": "default/s", "EndpointSlice": "default/s-ipv4", "Namespace": "shop", "Node": "node-1", "ServiceCIDR": "more",
                 "ReferenceGrant": "default/routes"}
        for kind, key in kinds.items():
            listed.wait_for(f"{kind} from the watch", lambda f: key in f.of(kind))
        listed.wait_for("the address of the node, too", lambda f: f.of("Node")["node-1"] == ["192.0.2.1"])
        again = self.follow()
        again.wait_for("the same from the list", lambda f: f.states and f.states[-1] == listed.states[-1])
        for kind, key in kinds.items():
            self.kubectl("delete", kind, key.rpartition("/")[2], "--wait=false")
            again.wait_for(f"{kind} is gone", lambda f: key not in f.of(kind))

    def test_only_annotations_of_ours_are_kept(self):
        """kubectl leaves the whole object in one of its own."""
        self.apply(manifests.gateway(["192.0.2.1"], source_mode="preserve"))
        self.assertIn("last-applied-configuration", self.kubectl("get", "gateway", "gateway", "--output", "yaml"))
        follower = self.follow_first()
        self.assertEqual(follower.of("Gateway"), {"default/gateway": {"slipgate.dev/source-mode": "preserve"}})

    def test_an_update_that_changes_nothing_used_is_no_new_state(self):
        self.apply(manifests.service("a"))
        follower = self.follow_first()
        self.kubectl("annotate", "service", "a", "acme.example/by=another")
        self.kubectl.patch_status("service/a", {"conditions": [{
            "type": "acme.example/Seen", "status": "True", "reason": "Seen", "message": "", "lastTransitionTime": "2020-01-01T00:00:00Z"}]})
        self.apply(manifests.service("b"))
        follower.wait_for("what came after it", lambda f: "default/b" in f.of("Service"))
        self.assertTrue(all(before != after for before, after in pairwise(follower.states)), follower.states)

    def test_an_object_that_breaks_a_rule_is_left_out_and_named(self):
        """The API server takes two rules of a route, or a field that is not known, as one of a later release may."""
        def take_more(properties):
            spec = properties["spec"]
            spec["properties"]["rules"]["maxItems"] = 2
            spec["x-kubernetes-preserve-unknown-fields"] = True

        good = manifests.tls_route("r", ["a.example.com"], {"s": 1})
        bad, new = (manifests.tls_route(name, [f"{name}.example.com"], {"s": 1}) for name in ("r", "new"))
        bad["spec"]["rules"] *= 2
        new["spec"]["newField"] = {"a": 1}
        with schema.changed(self.kubectl, "tlsroutes", take_more):
            self.apply(bad, new)
            follower = self.follow_first()
            self.assertEqual(follower.of("TLSRoute"), {"default/new": ["new.example.com"]})
            problems = follower.of("problems")
            self.assertIn("spec.rules", problems["TLSRoute default/r"])
            self.assertNotIn("TLSRoute default/new", problems)
            self.assertEqual(follower.log().count("spec.rules"), 1)
            self.apply(good)
            follower.wait_for("the repaired one", lambda f: "default/r" in f.of("TLSRoute") and not f.of("problems"))

    def test_the_release_of_each_definition_of_the_gateway_api_is_known(self):
        def annotate(value):
            self.kubectl("annotate", "--overwrite", "crd", f"gateways.{GATEWAY_GROUP}", f"{BUNDLE_VERSION}={value}")

        follower = self.follow_first()
        names = {name for name in self.kubectl("get", "crd", "--output", "name").split() if name.endswith(f".{GATEWAY_GROUP}")}
        installed = {name.rpartition("/")[2]: "v1.7.0" for name in names}
        self.assertEqual(follower.of("bundle_versions"), installed)
        self.addCleanup(annotate, "v1.7.0")
        annotate("v1.8.0")
        follower.wait_for("another", lambda f: f.of("bundle_versions") == installed | {f"gateways.{GATEWAY_GROUP}": "v1.8.0"})

    def test_a_missing_definition_holds_up_nothing_and_is_named(self):
        self.addCleanup(self.control_plane.install_gateway_api)
        self.kubectl("delete", "crd", f"referencegrants.{GATEWAY_GROUP}")
        follower = self.follow_first()
        self.assertTrue(follower.followed["ReferenceGrant"], "there are none, which is known")
        self.assertIn(f"does not serve referencegrants.{GATEWAY_GROUP}: is its CustomResourceDefinition installed?", follower.log())

    def test_a_kind_that_is_served_no_longer_takes_its_objects_with_it(self):
        """Of which nobody says that they are deleted."""
        def serve(served):
            self.kubectl("patch", "crd", f"tlsroutes.{GATEWAY_GROUP}", "--type=json", "--patch", json.dumps(
                [{"op": "replace", "path": "/spec/versions/0/served", "value": served}]))
            eventually(lambda: self.kubectl.works("get", "tlsroutes") == served, f"they are served: {served}", PATIENCE)

        self.apply(manifests.tls_route("r", ["a.example.com"], {"s": 1}))
        follower = self.follow_first()
        self.assertTrue(follower.of("TLSRoute"))
        self.addCleanup(serve, True)
        serve(False)
        follower.wait_for("no route", lambda f: not f.of("TLSRoute"))
        self.assertTrue(follower.followed["TLSRoute"], "there are none, which is known")


if __name__ == "__main__":
    main()
