# SPDX-License-Identifier: Apache-2.0
"""Tests of Statuses: what is ours and what is not. What others wrote stays; what is not ours any more is not said to be served."""

import copy
import itertools
import re
import threading

from harness import eventually, manifests
from harness.kube import PATIENCE, Api
from harness.statuses import by_type

THEN = "2020-01-01T00:00:00Z"
FOREIGN = {"type": "acme.example/Seen", "status": "False", "reason": "Seen", "message": "by another", "lastTransitionTime": THEN}
FOREIGN_ENTRY = {"parentRef": {"group": manifests.GATEWAY_GROUP, "kind": "Gateway", "name": "elsewhere"},
                 "controllerName": "acme.example/controller", "conditions": [FOREIGN]}


class Counter:
    """Another controller, which counts in its entry of the route `web`: `last` is what it has written. Fails if a number is lost."""

    STATUS = f"/apis/{manifests.GATEWAY_API}/namespaces/default/tlsroutes/web/status"
    COUNT = "/status/parents/0/conditions/0/message"

    def __init__(self, api):
        self.entry, self.last = copy.deepcopy(FOREIGN_ENTRY), 0
        self.entry["conditions"][0]["message"] = str(self.last)
        self._api, self._stop, self._failure = api, threading.Event(), None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self):
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self._stop.set()
        self._thread.join()
        self._api.close()
        if kind is None and self._failure:
            raise AssertionError(f"after {self.last}: {self._failure!r}")

    def _run(self):
        try:
            while not self._stop.is_set():
                self._api.request("PATCH", self.STATUS, [
                    {"op": "test", "path": self.COUNT, "value": str(self.last)},
                    {"op": "replace", "path": self.COUNT, "value": str(self.last + 1)}], "application/json-patch+json")
                self.last += 1
        except Exception as error:  # told in __exit__
            self._failure = error


class Ownership:
    def add_foreign(self, thing, *paths):
        """Another controller writes a status: JSON pointers and what it puts there."""
        self.patch(thing, [{"op": "add", "path": path, "value": value} for path, value in paths], "--subresource=status")

    def wait_for_event(self, thing, pattern):
        eventually(lambda: re.search(pattern, self.kubectl("describe", *thing.split("/"))), f"Event {pattern}", PATIENCE)

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

    def test_what_another_controller_writes_at_the_same_time_is_not_lost(self):
        """The agent writes each generation of the route, until one of its writes comes after one that it had not seen."""
        counter = Counter(Api(self.gateway, self.kubectl.kubeconfig))
        self.add_foreign("tlsroute/web", ("/status/parents/0", counter.entry))
        conflicts, numbers = self.conflicts(), itertools.count()

        def has_conflict():
            self.patch("tlsroute/web", [{"op": "replace", "path": "/spec/hostnames", "value": [f"n{next(numbers)}.example.com"]}])
            return self.conflicts() > conflicts

        with counter:
            eventually(has_conflict, "a write of the agent is a conflict", PATIENCE)
        route = self.kubectl.eventually(lambda item: self.is_up_to_date(item, item["status"]["parents"][0]["conditions"][0]),
                                        "it is written all the same", "tlsroute/web")
        counter.entry["conditions"][0]["message"] = str(counter.last)
        self.assertEqual(route["status"]["parents"][0], counter.entry)

    def conflicts(self):
        return self.agent.metrics("slipgate_status_writes_total", "result")["conflict"]

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
        self.wait_for_event("gateway/gateway", "Warning +Pending .*GatewayClass none does not exist")
        orphan = {"Accepted": ("False", "ParentNotAccepted"), "Programmed": ("False", "ParentNotProgrammed")}
        self.wait_for("listenerset/more", lambda status: by_type(status["conditions"]) == orphan)
        self.wait_for("tlsroute/web", lambda status: status["parents"] == [FOREIGN_ENTRY])
        self.patch("gateway/gateway", [{"op": "replace", "path": "/spec/gatewayClassName", "value": "slipgate"}])
        for thing in "gateway/gateway", "listenerset/more":
            self.kubectl.wait(thing, "condition=Programmed")
        self.wait_for_event("gateway/gateway", "Normal +Programmed ")
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
