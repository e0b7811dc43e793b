# SPDX-License-Identifier: Apache-2.0
"""Tests of Statuses: what is ours and what is not. What others wrote stays; what is not ours any more is not said to be served."""

from harness import eventually, manifests
from harness.kube import PATIENCE
from harness.statuses import by_type

THEN = "2020-01-01T00:00:00Z"
FOREIGN = {"type": "acme.example/Seen", "status": "False", "reason": "Seen", "message": "by another", "lastTransitionTime": THEN}
FOREIGN_ENTRY = {"parentRef": {"group": manifests.GATEWAY_GROUP, "kind": "Gateway", "name": "elsewhere"},
                 "controllerName": "acme.example/controller", "conditions": [FOREIGN]}


class Ownership:
    def add_foreign(self, thing, *paths):
        """Another controller writes a status: JSON pointers and what it puts there."""
        self.patch(thing, [{"op": "add", "path": path, "value": value} for path, value in paths], "--subresource=status")

    def test_what_other_controllers_wrote_stays_where_it_is(self):
        for thing in "gateway/gateway", "listenerset/more":
            self.kubectl.wait(thing, "condition=Programmed")
            self.add_foreign(thing, ("/status/conditions/0", FOREIGN), ("/status/listeners/0/conditions/1", FOREIGN))
        self.add_foreign("gatewayclass/slipgate", ("/status/conditions/1", FOREIGN))
        self.add_foreign("tlsroute/web", ("/status/parents/0", FOREIGN_ENTRY), ("/status/parents/1/conditions/0", FOREIGN))
        self.patch("gateway/gateway", [{"op": "add", "path": "/spec/listeners/0/hostname", "value": "other.example.com"},
                                       {"op": "replace", "path": "/spec/allowedListeners/namespaces/from", "value": "None"}])
        self.wait_for("tlsroute/web", lambda status: self.ours(status) == [("gateway", "False")])
        route = self.status("tlsroute/web")
        self.assertEqual(route["parents"][0], FOREIGN_ENTRY)
        self.assertEqual(route["parents"][1]["conditions"][0], FOREIGN)
        self.wait_for("gateway/gateway", lambda status: status["listeners"][0]["attachedRoutes"] == 0)
        self.wait_for("listenerset/more", lambda status: by_type(status["conditions"])["Accepted"] == ("False", "NotAllowed"))
        for thing in "gateway/gateway", "listenerset/more":
            status = self.status(thing)
            self.assertEqual(status["conditions"][0], FOREIGN)
            self.assertEqual(status["listeners"][0]["conditions"][1], FOREIGN)
        self.patch("gatewayclass/slipgate", [{"op": "add", "path": "/spec/description", "value": "another generation"}])
        eventually(lambda: self.is_up_to_date(self.kubectl.json("get", "gatewayclass/slipgate"), FOREIGN), "it is written", PATIENCE)
        self.assertEqual(self.status("gatewayclass/slipgate")["conditions"][1], FOREIGN)

    def test_our_entry_goes_with_its_parent_reference(self):
        self.patch("tlsroute/web", [{"op": "add", "path": "/spec/parentRefs/-", "value": {"kind": "ListenerSet", "name": "more"}}])
        self.wait_for("tlsroute/web", lambda status: self.ours(status) == [("gateway", "True"), ("more", "True")])
        self.patch("tlsroute/web", [{"op": "remove", "path": "/spec/parentRefs/0"}])
        self.wait_for("tlsroute/web", lambda status: self.ours(status) == [("more", "True")])
        self.kubectl("delete", "listenerset", "more")
        self.wait_for("tlsroute/web", lambda status: status["parents"] == [])

    def test_what_loses_its_class_or_its_gateway_is_not_said_to_be_served(self):
        for thing in "gateway/gateway", "listenerset/more":
            self.kubectl.wait(thing, "condition=Programmed")
        self.add_foreign("tlsroute/web", ("/status/parents/0", FOREIGN_ENTRY))
        self.patch("gateway/gateway", [{"op": "replace", "path": "/spec/gatewayClassName", "value": "none"}])
        waits = {"Accepted": ("Unknown", "Pending"), "Programmed": ("Unknown", "Pending")}
        self.wait_for("gateway/gateway", lambda status: by_type(status["conditions"]) == waits)
        orphan = {"Accepted": ("False", "ParentNotAccepted"), "Programmed": ("False", "ParentNotProgrammed")}
        self.wait_for("listenerset/more", lambda status: by_type(status["conditions"]) == orphan)
        self.wait_for("tlsroute/web", lambda status: status["parents"] == [FOREIGN_ENTRY])
        self.patch("gateway/gateway", [{"op": "replace", "path": "/spec/gatewayClassName", "value": "slipgate"}])
        for thing in "gateway/gateway", "listenerset/more":
            self.kubectl.wait(thing, "condition=Programmed")
        self.kubectl("delete", "gateway", "gateway")
        self.wait_for("listenerset/more", lambda status: by_type(status["conditions"]) == orphan)

    def test_a_gateway_that_goes_to_another_controller_is_left_to_it(self):
        other = manifests.gateway_class("acme")
        other["spec"]["controllerName"] = "acme.example/controller"
        self.objects.append(other)
        self.kubectl.apply(other)
        self.kubectl.wait("gateway/gateway", "condition=Programmed")
        before = self.status("gateway/gateway")
        self.patch("gateway/gateway", [{"op": "replace", "path": "/spec/gatewayClassName", "value": "acme"}])
        self.wait_for("tlsroute/web", lambda status: status["parents"] == [])
        self.assertEqual(self.status("gateway/gateway"), before)
