# SPDX-License-Identifier: Apache-2.0
"""Statuses, Events and the Lease in a real cluster, as kubectl shows them, written as the account of k8s/base."""

import ipaddress
import json

from harness import eventually, main, manifests
from harness.kube import PATIENCE, ClusterSlipgated, KubeCase, OtherSlipgated, add_node, base
from harness.statuses import by_type
from ownership import Ownership
from shown import Shown

FEATURES = ["Gateway", "GatewayRouteHostnameIntersectionPrecedence", "GatewayStaticAddresses", "ListenerSet", "ReferenceGrant",
            "TLSRoute"]  # as docs/kubernetes.md has them, with the agent's flags here
GOOD = {"Accepted", "ResolvedRefs"}  # conditions of a route of which the data path has nothing to say


class Statuses(Ownership, Shown, KubeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        add_node(cls.kubectl, "node1")
        cls.account = base.install(cls.control_plane)
        cls.agent = ClusterSlipgated(cls.gateway, cls.account.kubeconfig)
        cls.addClassCleanup(cls.agent.close)
        cls.agent.start()

    def setUp(self):
        self.objects = [
            manifests.gateway(self.network.vip.values(), listener_sets="All"), manifests.listener_set("more", 8443),
            manifests.service("web"), manifests.tls_route("web", ["web.example.com"], {"web": 1})]
        self.addCleanup(self.delete)
        self.kubectl.apply(*self.objects)
        self.wait_for("tlsroute/web", lambda status: self.ours(status) == [("gateway", "True")])

    def delete(self):
        for item in self.objects:
            self.kubectl("delete", item["kind"].lower(), item["metadata"]["name"], "--ignore-not-found")

    def status(self, thing):
        return self.kubectl.json("get", thing).get("status", {})

    def wait_for(self, thing, condition):
        return eventually(lambda: condition(self.status(thing)), f"status of {thing}", PATIENCE)

    @staticmethod
    def ours(status):
        """(parent, Accepted) of each entry of ours."""
        return [(entry["parentRef"]["name"], by_type(entry["conditions"])["Accepted"][0]) for entry in status.get("parents", [])
                if entry["controllerName"] == manifests.CONTROLLER]

    def patch(self, thing, patch, *flags):
        self.kubectl("patch", thing, "--type=json", "--patch", json.dumps(patch), *flags)

    def test_each_kind_has_its_conditions_for_its_generation(self):
        good = ("True", "Accepted"), ("True", "Programmed")
        programmed = {"Accepted": good[0], "Programmed": good[1]}
        for thing, wanted in (("gatewayclass/slipgate", {"Accepted": good[0], "SupportedVersion": ("True", "SupportedVersion")}),
                              ("gateway/gateway", programmed), ("listenerset/more", programmed)):
            with self.subTest(thing=thing):
                self.wait_for(thing, lambda status: by_type(status["conditions"]) == wanted)
        self.patch("gateway/gateway", [{"op": "add", "path": "/spec/listeners/0/hostname", "value": "web.example.com"}])
        self.patch("tlsroute/web", [{"op": "add", "path": "/spec/hostnames/-", "value": "www.example.com"}])
        for thing in "gateway/gateway", "tlsroute/web", "listenerset/more", "gatewayclass/slipgate":
            with self.subTest(thing=thing):
                eventually(lambda: self.is_up_to_date(self.kubectl.json("get", thing)), f"{thing} is up to date", PATIENCE)
        gateway = self.status("gateway/gateway")
        self.assertEqual({address["value"] for address in gateway["addresses"]}, set(self.network.vip.values()))
        self.assertEqual(gateway["attachedListenerSets"], 1)
        self.assertEqual([(listener["name"], listener["attachedRoutes"]) for listener in gateway["listeners"]], [("tls", 1)])

    def test_conditions_of_a_generation_that_never_was_are_replaced(self):
        """As after a restore. The agent reads the object first: it could be late itself."""
        logged = len(self.agent.log.read_text())
        self.patch("tlsroute/web", [{"op": "replace", "path": "/status/parents/0/conditions/0/observedGeneration", "value": 99}],
                   "--subresource=status")
        eventually(lambda: self.is_up_to_date(self.kubectl.json("get", "tlsroute/web")), "they are of its generation again", PATIENCE)
        self.assertIn("conditions of a later generation than the object has are replaced", self.agent.log.read_text()[logged:])

    @staticmethod
    def is_up_to_date(item, *but):
        """Every condition but these is of the object's generation."""
        status, found = item["status"], set()
        for part in [status, *status.get("listeners", []), *status.get("parents", [])]:
            found |= {condition["observedGeneration"] for condition in part.get("conditions", []) if condition not in but}
        return found == {item["metadata"]["generation"]}

    def test_features_and_kinds_are_those_that_are_served(self):
        features = self.wait_for("gatewayclass/slipgate", lambda status: status.get("supportedFeatures"))
        self.assertEqual([feature["name"] for feature in features], FEATURES)
        terminate = {"mode": "Terminate", "certificateRefs": [{"name": "none"}]}
        self.patch("gateway/gateway", [
            {"op": "add", "path": "/spec/listeners/0/allowedRoutes/kinds", "value": [{"kind": "HTTPRoute"}, {"kind": "TLSRoute"}]},
            {"op": "add", "path": "/spec/listeners/-", "value": {"name": "http", "protocol": "HTTP", "port": 80}},
            {"op": "add", "path": "/spec/listeners/-", "value": {"name": "end", "protocol": "TLS", "port": 8883, "tls": terminate}}])
        tls_route = [{"group": manifests.GATEWAY_GROUP, "kind": "TLSRoute"}]
        self.wait_for_listeners("gateway/gateway", "supportedKinds", {"tls": tls_route, "http": [], "end": []})
        self.wait_for_listeners("listenerset/more", "supportedKinds", {"tls": tls_route})

    def test_counts_follow_routes_and_listener_sets(self):
        both = manifests.tls_route("both", ["both.example.com"], {"web": 1})
        both["spec"]["parentRefs"].append({"kind": "ListenerSet", "name": "more"})
        self.objects.append(both)
        self.kubectl.apply(both)
        self.expect_counts(sets=1, of_gateway=2, of_set=1)
        self.kubectl("delete", "tlsroute", "web")
        self.expect_counts(sets=1, of_gateway=1, of_set=1)
        self.kubectl("delete", "tlsroute", "both")
        self.expect_counts(sets=1, of_gateway=0, of_set=0)
        self.kubectl("delete", "listenerset", "more")
        self.wait_for("gateway/gateway", lambda status: status["attachedListenerSets"] == 0)

    def expect_counts(self, sets, of_gateway, of_set):
        self.wait_for("gateway/gateway", lambda status: status["attachedListenerSets"] == sets)
        self.wait_for_listeners("gateway/gateway", "attachedRoutes", {"tls": of_gateway})
        self.wait_for_listeners("listenerset/more", "attachedRoutes", {"tls": of_set})

    def wait_for_listeners(self, thing, field, wanted):
        """`wanted`: {listener: value of the field}"""
        self.wait_for(thing, lambda status: {listener["name"]: listener[field] for listener in status["listeners"]} == wanted)

    def test_an_address_in_a_network_of_services_is_not_usable(self):
        network = self.kubectl.json("get", "servicecidr", "kubernetes")["spec"]["cidrs"][0]
        address = ipaddress.ip_network(network)[-2]  # of no Service
        self.objects.append(manifests.gateway([str(address)], name="inside"))
        self.kubectl.apply(self.objects[-1])
        self.wait_for("gateway/inside", lambda status: by_type(status["conditions"])["Programmed"] == ("False", "AddressNotUsable"))
        self.assertIn(f"{address} (it lies in ServiceCIDR kubernetes)", json.dumps(self.status("gateway/inside")))

    def test_an_address_of_another_node_is_not_usable(self):
        """Also if something else that this node says of itself is no address."""
        add_node(self.kubectl, "node2", ["192.0.2.77"])
        self.addCleanup(self.kubectl, "delete", "node", "node2")
        self.kubectl("patch", "node/node2", "--subresource=status", "--type=json", "--patch", json.dumps(
            [{"op": "add", "path": "/status/addresses/-", "value": {"type": "ExternalIP", "address": "node2.example"}}]))
        self.objects.append(manifests.gateway(["192.0.2.77"], name="elsewhere"))
        self.kubectl.apply(self.objects[-1])
        self.wait_for("gateway/elsewhere", lambda status: by_type(status["conditions"])["Programmed"] == ("False", "AddressNotUsable"))
        self.assertIn("192.0.2.77 (it belongs to another node)", json.dumps(self.status("gateway/elsewhere")))

    def test_a_port_that_an_older_gateway_has_is_unavailable(self):
        self.kubectl.wait("gateway/gateway", "condition=Programmed")
        self.objects.append(manifests.gateway(self.network.vip.values(), name="younger"))
        self.kubectl.apply(self.objects[-1])
        status = self.wait_for("gateway/younger", lambda status: by_type(status["conditions"])["Accepted"][0] == "False" and status)
        self.assertEqual(by_type(status["listeners"][0]["conditions"])["Accepted"], ("False", "PortUnavailable"))
        self.kubectl("delete", "gateway", "gateway")
        self.kubectl.wait("gateway/younger", "condition=Programmed")

    def test_an_agent_that_starts_again_writes_nothing(self):
        things = "gatewayclass/slipgate", "gateway/gateway", "listenerset/more", "tlsroute/web"
        for thing in things[1:3]:
            self.kubectl.wait(thing, "condition=Programmed")
        self.assertGreater(self.agent.metric("slipgate_map_writes_total"), 0)
        self.agent.terminate()
        versions = [self.kubectl.json("get", thing)["metadata"]["resourceVersion"] for thing in things]
        tables = self.agent.tables()
        self.agent.start()
        eventually(lambda: self.agent.metric("slipgate_status_writer") == 1 and self.agent.metric("slipgate_status_pending") == 0,
                   "it is the writer, and has nothing to do", PATIENCE)
        self.assertEqual(self.written(), 0)
        self.assertEqual([self.kubectl.json("get", thing)["metadata"]["resourceVersion"] for thing in things], versions)
        self.assertEqual(self.agent.tables(), tables)
        self.assertEqual(self.agent.metric("slipgate_map_writes_total"), 0)
        self.add_route("first", 2)  # in its first second an agent gives no room to routes that the one before may have used
        before = self.written()
        self.add_route("new", 3)
        self.assertEqual(self.written(), before + 2, "the route, and the count of its listener")

    def add_route(self, name, attached):
        """Returns when it is in the maps, and when that was written, and nothing else is left to write."""
        self.objects.append(manifests.tls_route(name, [f"{name}.example.com"], {"web": 1}))
        self.kubectl.apply(self.objects[-1])
        self.wait_for(f"tlsroute/{name}", lambda status: status and set(by_type(status["parents"][0]["conditions"])) == GOOD)
        self.wait_for_listeners("gateway/gateway", "attachedRoutes", {"tls": attached})
        eventually(lambda: self.agent.metric("slipgate_status_pending") == 0, "what it wrote comes back and is nothing new", PATIENCE)

    def written(self):
        return self.agent.metrics("slipgate_status_writes_total", "result")["written"]

    def test_a_gateway_with_the_longest_name(self):
        name = "g" * 253
        self.objects += [manifests.gateway(self.network.vip.values(), 9443, name),
                         manifests.tls_route("long", ["a.example.com"], {"web": 1}, name)]
        self.kubectl.apply(*self.objects[-2:])
        self.kubectl.wait(f"gateway/{name}", "condition=Programmed")
        self.wait_for("tlsroute/long", lambda status: self.ours(status) == [(name, "True")])
        self.patch("tlsroute/long", [{"op": "replace", "path": "/spec/parentRefs/0/sectionName", "value": "none"}])
        eventually(lambda: "NoMatchingParent" in self.kubectl("describe", "tlsroute", "long"), "an Event, too", PATIENCE)

    def holder(self):
        return self.kubectl.json("get", "lease", base.LEASE, "--namespace", base.NAMESPACE)["spec"]["holderIdentity"]

    def test_what_another_node_lacks_its_own_metrics_tell(self):
        """The writer's node has everything, so the status says that it is programmed; the other node misses an interface."""
        other = OtherSlipgated(self.gateway, self.account.kubeconfig, ["uplink"])
        self.addCleanup(other.close)
        other.start()
        self.wait_for("gateway/gateway", lambda status: by_type(status["conditions"])["Programmed"] == ("True", "Programmed"))
        self.assertEqual(self.of_both(other, "slipgate_status_writer"), (1, 0))
        self.assertEqual(self.of_both(other, "slipgate_datapath_problems"), (0, 1))
        self.assertIn("uplink", other.log.read_text())
        self.gateway.run("ip", "link", "add", "uplink", "type", "veth", "peer", "name", "switch")
        self.addCleanup(self.gateway.run, "ip", "link", "delete", "uplink")
        eventually(lambda: self.of_both(other, "slipgate_datapath_problems") == (0, 0), "the other node is complete, too", PATIENCE)
        self.assertEqual(self.of_both(other, "slipgate_synced"), (1, 1))

    def of_both(self, other, metric):
        return self.agent.metric(metric), other.metric(metric)

    def test_another_agent_takes_over_when_the_holder_dies(self):
        first = self.holder()
        self.assertFalse(first.startswith(OtherSlipgated.DEVICE))
        other = OtherSlipgated(self.gateway, self.account.kubeconfig)
        self.addCleanup(lambda: (other.close(), self.agent.start()))
        other.launch()
        eventually(lambda: "configuration is in the data path" in other.log.read_text(), "the other one is ready", PATIENCE)
        self.agent.kill()
        self.objects.append(manifests.tls_route("late", ["late.example.com"], {"web": 1}))
        self.kubectl.apply(self.objects[-1])
        self.wait_for("tlsroute/late", lambda status: self.ours(status) == [("gateway", "True")])
        self.assertTrue(self.holder().startswith(OtherSlipgated.DEVICE))


if __name__ == "__main__":
    main()
