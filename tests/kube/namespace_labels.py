# SPDX-License-Identifier: Apache-2.0
"""A test of Changes: a listener takes routes of the namespaces that a selector takes, and a label comes and goes."""

import json

from harness import manifests
from harness.topology import V4, V6


class NamespaceLabels:
    def test_the_label_of_a_namespace_comes_and_goes(self):
        self.add_listener_for("routes", "welcome")
        self.make_shop(self.other)
        with self.traffic():
            self.expect_attached("False", "NotAllowedByListeners", 0)
            self.expect("shop")
            self.kubectl("label", "namespace", "shop", "routes=welcome")
            self.expect_attached("True", "Accepted", 1)
            self.expect("shop", self.other)
            live = [self.connect("shop", family) for family in (V4, V6)]
            self.kubectl("label", "namespace", "shop", "routes-")
            self.expect_attached("False", "NotAllowedByListeners", 0)
            self.expect("shop")
            for session in live:
                self.expect_alive(session)
            self.kubectl("label", "namespace", "shop", "routes=welcome")
            self.expect_attached("True", "Accepted", 1)
            self.expect("shop", self.other)
            for session in live:
                self.expect_alive(session)
                session.close()

    def add_listener_for(self, label, value):
        """The Gateway's second: for shop.example.com, and routes of namespaces with that label."""
        listener = {"name": "labelled", "protocol": "TLS", "port": 443, "hostname": "shop.example.com", "tls": {"mode": "Passthrough"},
                    "allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchLabels": {label: value}}}}}
        self.patch_listeners({"op": "add", "path": "/spec/listeners/1", "value": listener})
        self.addCleanup(self.patch_listeners, {"op": "remove", "path": "/spec/listeners/1"})

    def patch_listeners(self, operation):
        self.kubectl("patch", "gateway", "gateway", "--type=json", "--patch", json.dumps([operation]))

    def make_shop(self, host):
        """Namespace, Service and TLSRoute `shop`: the route is for the listener `labelled` alone."""
        self.kubectl("create", "namespace", "shop")
        self.addCleanup(self.kubectl, "delete", "namespace", "shop")
        route = manifests.tls_route("shop", ["shop.example.com"], {"shop": 1})
        route["metadata"]["namespace"] = "shop"
        route["spec"]["parentRefs"][0] |= {"namespace": "default", "sectionName": "labelled"}
        self.kubectl.apply(*manifests.backend("shop", host.address.values(), self.port_of(host), namespace="shop"), route)

    def expect_attached(self, status, reason, count):
        """Accepted of the route `shop`, and attachedRoutes of its listener."""
        def is_accepted(route):
            parents = route.get("status", {}).get("parents", [])
            return any(condition["type"] == "Accepted" and (condition["status"], condition["reason"]) == (status, reason)
                       for parent in parents for condition in parent["conditions"])
        self.kubectl.eventually(is_accepted, f"Accepted is {status}", "tlsroute", "shop", "--namespace", "shop")
        self.kubectl.eventually(lambda gateway: [listener["attachedRoutes"] for listener in gateway["status"]["listeners"]
                                                 if listener["name"] == "labelled"] == [count], f"{count} attached", "gateway", "gateway")
