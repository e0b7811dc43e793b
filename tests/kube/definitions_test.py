# SPDX-License-Identifier: Apache-2.0
"""CustomResourceDefinitions of a cluster that is served: taken out and put back, with other versions, or with other schemas."""

import json

from harness import eventually, main, manifests
from harness.kube import AFTER_FAILURES, PATIENCE, ServedCase, schema
from harness.kube.traffic import Traffic
from harness.statuses import by_type


def accepted(entry):
    """Status and reason of Accepted."""
    return by_type(entry["conditions"])["Accepted"]


class Definitions(ServedCase):
    def setUp(self):
        self.one, self.other = self.network.backends
        self.serve("steady", self.one)

    def remove(self, plural):
        """The definition, and with it all objects of the kind."""
        self.kubectl("delete", "crd", f"{plural}.{manifests.GATEWAY_GROUP}")
        self.addCleanup(self.control_plane.install_gateway_api)

    def test_a_kind_that_is_gone_takes_nothing_with_it(self):
        self.route("other", {"steady": 1})
        self.expect("other", self.one)
        with Traffic(lambda: self.connect("steady")):
            self.remove("referencegrants")
            self.wait_for_feature("ReferenceGrant", False)
            self.kubectl("delete", "tlsroute", "other")
            self.expect("other")
            self.control_plane.install_gateway_api()
            self.wait_for_feature("ReferenceGrant", True)
            self.route("other", {"steady": 1})
            self.expect("other", self.one)

    def wait_for_feature(self, name, is_there):
        self.kubectl.eventually(lambda item: ({"name": name} in item["status"]["supportedFeatures"]) == is_there, f"{name}: {is_there}",
                                "gatewayclass/slipgate")

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

    def test_routes_are_followed_in_the_best_version_that_is_served(self):
        """As clusters with the experimental channel of earlier releases serve them."""
        self.addCleanup(self.serve_only, "v1")
        with Traffic(lambda: self.connect("steady")):
            for best, *others in ("v1alpha3", "v1alpha2"), ("v1alpha2",), ("v1", "v1alpha2"):
                with self.subTest(best):
                    self.serve_only(best, *others)
                    eventually(lambda: self.versions_of_a_status(best) == {f"{manifests.GATEWAY_GROUP}/{best}"},
                               "a new route's status is written in it", AFTER_FAILURES)

    def versions_of_a_status(self, version):
        """Of a new route, those in which its status was written; it is served meanwhile."""
        kind, name = f"tlsroutes.{version}.{manifests.GATEWAY_GROUP}", f"of-{version}"
        route = manifests.tls_route(name, [f"{name}.example.com"], {"steady": 1})
        self.kubectl.apply(route | {"apiVersion": f"{manifests.GATEWAY_GROUP}/{version}"})
        self.expect(name, self.one)
        self.kubectl.wait_until_accepted(name, kind)
        writers = self.kubectl.json("get", kind, name, "--show-managed-fields")["metadata"]["managedFields"]
        self.kubectl("delete", kind, name)
        self.expect(name)
        return {writer["apiVersion"] for writer in writers if writer.get("subresource") == "status"}

    def patch(self, thing, *operations):
        """Taken some time after a change of the schema."""
        patch = "patch", thing, "--type=json", "--patch", json.dumps(operations)
        eventually(lambda: self.kubectl.works(*patch), f"{thing} is changed", PATIENCE)

    def wait_for_attached(self, routes):
        """All of them are accepted, and the Gateway's listener counts them."""
        for item in self.kubectl.json("get", "tlsroutes")["items"]:
            self.kubectl.wait_until_accepted(item["metadata"]["name"])
        self.kubectl.eventually(lambda item: item["status"]["listeners"][0]["attachedRoutes"] == routes, f"{routes} are attached",
                                "gateway/gateway")

    def test_a_gateway_that_only_the_agent_refuses_is_not_accepted_and_keeps_its_address(self):
        def take_another_mode(properties):
            tls = properties["spec"]["properties"]["listeners"]["items"]["properties"]["tls"]
            tls["properties"]["mode"]["enum"].append("Peek")

        mode, invalid = "/spec/listeners/0/tls/mode", {"Accepted": ("False", "Invalid"), "Programmed": ("False", "Invalid")}
        with schema.changed(self.kubectl, "gateways", take_another_mode):
            self.patch("gateway/gateway", {"op": "replace", "path": mode, "value": "Peek"})
            gateway = self.kubectl.eventually(lambda item: by_type(item["status"]["conditions"]) == invalid,
                                              "it is not accepted", "gateway/gateway")
            self.assertIn('spec.listeners[0].tls.mode: Unsupported value: "Peek"', gateway["status"]["conditions"][0]["message"])
            self.assertEqual({address["value"] for address in gateway["status"]["addresses"]}, set(self.network.vip.values()))
            route = self.kubectl.eventually(lambda item: accepted(item["status"]["parents"][0]) == ("False", "NoMatchingParent"),
                                            "nor is its route", "tlsroute/steady")
            self.assertEqual(route["status"]["parents"][0]["conditions"][0]["message"],
                             "Gateway default/gateway is not accepted; its conditions say why", "the field is for its owner")
            eventually(lambda: not self.agent.dump("vips"), "it is not served", PATIENCE)
            self.patch("gateway/gateway", {"op": "replace", "path": mode, "value": "Passthrough"})
            self.kubectl.wait("gateway/gateway", "condition=Programmed")
            self.expect("steady", self.one)

    def test_listeners_that_are_older_than_a_rule_have_conditions_and_leave_the_others_alone(self):
        """As those of a Gateway that was stored before the CRD was replaced by today's."""
        def reason(listener, condition):
            return by_type(listener["conditions"]).get(condition)

        gateway = self.kubectl.json("get", "gateway", "gateway")
        own, twice = gateway["spec"]["listeners"][0], {"hostname": "twice.example.com"}
        self.assertEqual(own["tls"]["mode"], "Passthrough")
        older = [own | twice | {"name": "one"}, own | twice | {"name": "other"}, {"name": "bare", "port": 8443, "protocol": "TLS"}]
        with schema.changed(self.kubectl, "gateways", lambda properties: properties["spec"]["properties"]["listeners"].pop(
                "x-kubernetes-validations")), Traffic(lambda: self.connect("steady")):
            self.patch("gateway/gateway", *[{"op": "add", "path": "/spec/listeners/-", "value": listener} for listener in older])
            gateway = self.kubectl.eventually(lambda item: len(item["status"]["listeners"]) == 4, "all have a status", "gateway/gateway")
            steady, *both, bare = gateway["status"]["listeners"]
            self.assertEqual(reason(steady, "Programmed"), ("True", "Programmed"))
            for listener in both:
                self.assertEqual([reason(listener, condition) for condition in ("Accepted", "Programmed", "Conflicted")],
                                 [(status, "HostnameConflict") for status in ("False", "False", "True")])
            self.assertEqual(reason(bare, "Accepted"), ("False", "UnsupportedValue"))
            self.assertEqual(by_type(gateway["status"]["conditions"])["Accepted"], ("True", "ListenersNotValid"))
            self.patch("gateway/gateway", {"op": "replace", "path": "/spec/listeners", "value": [own]})
            self.wait_for_attached(1)

    def test_references_that_differ_in_their_port_only_are_served(self):
        """The experimental channel's CRD takes them."""
        with schema.changed(self.kubectl, "tlsroutes", lambda properties: properties["spec"]["properties"]["parentRefs"].pop(
                "x-kubernetes-validations")), Traffic(lambda: self.connect("steady")):
            self.refer({"port": 443}, {"port": 8443})
            parents = self.two_entries()["status"]["parents"]
            self.assertEqual([(entry["parentRef"]["port"], *accepted(entry)) for entry in parents],
                             [(443, "True", "Accepted"), (8443, "False", "NoMatchingParent")])
            self.refer({})

    def refer(self, *refs):
        refs = [{"name": "gateway"} | ref for ref in refs]
        self.patch("tlsroute/steady", {"op": "replace", "path": "/spec/parentRefs", "value": refs})

    def two_entries(self):
        return self.kubectl.eventually(lambda item: len(item["status"]["parents"]) == 2, "an entry each", "tlsroute/steady")

    def test_a_route_that_only_the_agent_refuses_is_not_accepted_under_each_parent(self):
        def take_any_weight(properties):
            backend = properties["spec"]["properties"]["rules"]["items"]["properties"]["backendRefs"]["items"]["properties"]
            del backend["weight"]["maximum"]

        weight = "/spec/rules/0/backendRefs/0/weight"
        with schema.changed(self.kubectl, "tlsroutes", take_any_weight):
            self.patch("tlsroute/steady", {"op": "replace", "path": weight, "value": 2000000})
            self.expect("steady")
            sections = "tls", "other"
            self.refer(*({"sectionName": section} for section in sections))
            route = self.two_entries()
            for entry, section in zip(route["status"]["parents"], sections, strict=True):
                self.assertEqual(entry["parentRef"]["sectionName"], section)
                self.assertEqual(accepted(entry), ("False", "UnsupportedValue"))
                self.assertIn("spec.rules[0].backendRefs[0].weight: Invalid value", entry["conditions"][0]["message"])
                self.assertEqual({condition["observedGeneration"] for condition in entry["conditions"]}, {route["metadata"]["generation"]})
            self.patch("tlsroute/steady", {"op": "replace", "path": weight, "value": 1})
            self.expect("steady", self.one)
            self.refer({})

    def test_a_field_that_the_schema_does_not_know_is_not_written_again_and_again(self):
        def written():
            eventually(lambda: self.agent.metric("slipgate_status_pending") == 0, "nothing is left to write", PATIENCE)
            return self.agent.metrics("slipgate_status_writes_total", "result")["written"]

        with schema.changed(self.kubectl, "gateways", lambda properties: properties["status"]["properties"].pop("attachedListenerSets")):
            self.kubectl.eventually(lambda item: "attachedListenerSets" not in item["status"], "it is dropped", "gateway/gateway")
            self.route("first", {"steady": 1})
            self.wait_for_attached(2)
            before = written()
            self.route("last", {"steady": 1})
            self.wait_for_attached(3)
            self.assertLessEqual(written() - before, 3, "the route, the count of the Gateway, and the field with it once more")

    def serve_only(self, *versions):
        """TLSRoutes in these versions; they are stored in the first."""
        crd = f"tlsroutes.{manifests.GATEWAY_GROUP}"
        every = self.kubectl.json("get", "crd", crd)["spec"]["versions"]
        for each in every:
            each |= {"served": each["name"] in versions, "storage": each["name"] == versions[0]}
        self.kubectl("patch", "crd", crd, "--type=merge", "--patch", json.dumps({"spec": {"versions": every}}))
        for version in versions:
            eventually(lambda: self.kubectl.works("get", f"tlsroutes.{version}.{manifests.GATEWAY_GROUP}"), f"{version} is served", PATIENCE)


if __name__ == "__main__":
    main()
