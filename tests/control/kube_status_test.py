#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Statuses written back to an API server that fails, a stand-in. No root needed; tests/kube has a real one."""

import itertools
import time
import unittest

from harness import manifests
from harness.wait import eventually
from kube_following import KubeSource

FOREIGN = {"type": "acme.example/Seen", "status": "True", "reason": "Seen", "message": "", "lastTransitionTime": "2020-01-01T00:00:00Z"}
FOREIGN_PARENT = {"parentRef": {"name": "elsewhere"}, "controllerName": "acme.example/controller", "conditions": [FOREIGN]}


def toggle(gateway):
    """Its listener takes the routes for a.example.com, or does not any more."""
    listener = gateway["spec"]["listeners"][0]
    listener["hostname"] = "a.example.com" if listener.get("hostname") == "b.example.com" else "b.example.com"


class StatusCase(KubeSource):
    def setUp(self):
        super().setUp()
        self.gateway = manifests.gateway(["192.0.2.1"])
        self.route = manifests.tls_route("r", ["a.example.com"], {"a": 1})
        self.api.put(manifests.gateway_class(), self.gateway, self.route, manifests.service("a"))
        for item in self.api.all("gatewayclasses") + self.api.all("gateways") + self.api.all("tlsroutes"):
            item["metadata"] |= {"uid": f"uid-of-{item['metadata']['name']}", "generation": 1}
            self.api.put(item)

    def change(self, plural, name, change, namespace="default"):
        """What somebody else writes: `change` of the object."""
        with self.api.changed:
            item = self.api.get(plural, name, namespace)
            change(item)
            self.api.put(item)

    def of_route(self, name="r"):
        return (self.api.get("tlsroutes", name).get("status") or {}).get("parents", [])

    def resolved(self, name):
        """The ResolvedRefs status of the route's entry."""
        return next(c["status"] for c in self.of_route(name)[0]["conditions"] if c["type"] == "ResolvedRefs")

    def accepted(self):
        """The Accepted status of the route's first entry of ours."""
        entry = next((entry for entry in self.of_route() if entry["controllerName"] == manifests.CONTROLLER), None)
        return entry and next(c["status"] for c in entry["conditions"] if c["type"] == "Accepted")

    def wait_until_written(self, writer):
        writer.wait_for("it is the writer, and has nothing to do", lambda w: w.writer and not w.pending and w.writes["written"])
        eventually(self.accepted, "the route has a status")
        return writer


class Contests(StatusCase):
    def test_what_is_changed_back_again_and_again_is_written_less_and_less_often(self):
        def refuse(item):
            item["status"]["parents"][0]["conditions"][0].update(status="False", reason="Other")

        self.wait_until_written(self.write())
        writes = self.api.count("tlsroutes/status", "patch")
        least = 0.2, 0.4, 0.8, 1.6  # s
        for _ in least:
            self.change("tlsroutes", "r", refuse)
            eventually(lambda: self.accepted() == "True", "it is written again")
        times = [r.time for r in self.api.requests if r[:2] == ("tlsroutes/status", "patch")][writes - 1:]
        for rest, bound in zip((after - before for before, after in itertools.pairwise(times)), least, strict=True):
            self.assertGreaterEqual(rest, bound)


class Refusals(StatusCase):
    def test_a_conflict_is_merged_anew(self):
        """Somebody writes after the agent read and before it writes: its watch is held up."""
        writer = self.wait_until_written(self.write())
        self.api.hold_watches("tlsroutes")
        self.change("tlsroutes", "r", lambda item: item["status"]["parents"].insert(0, FOREIGN_PARENT))
        self.change("gateways", "gateway", lambda item: item["spec"]["listeners"][0].update(hostname="b.example.com"))
        eventually(lambda: self.accepted() == "False", "written all the same")
        self.assertEqual(self.of_route()[0], FOREIGN_PARENT)
        writer.wait_for("a conflict was counted", lambda w: w.writes["conflict"] == 1)
        self.api.hold_watches()

    def test_an_entry_stays_whose_parent_reference_is_back_before_it_is_taken_away(self):
        def refer(parents, generation):
            self.change("tlsroutes", "r", lambda item: (item["spec"].update(parentRefs=parents),
                                                        item["metadata"].update(generation=generation)))

        writer = self.wait_until_written(self.write())
        parents = self.api.get("tlsroutes", "r")["spec"]["parentRefs"]
        self.api.fail("tlsroutes/status", "patch", (429, "slow down", ("Retry-After", "5")))
        refer([], 2)
        writer.wait_for("its first try is put off", lambda w: w.writes["failed"] == 1)
        self.api.hold_watches("tlsroutes")
        refer(parents, 3)
        writer.wait_for("it has read the route", lambda w: w.writes["conflict"] == 1 and not w.pending)
        self.assertEqual(self.accepted(), "True")
        self.api.hold_watches()
        eventually(lambda: self.of_route()[0]["conditions"][0]["observedGeneration"] == 3, "it is up to date")
        writer.wait_for("nothing to do", lambda w: not w.pending)
        self.assertTrue(all((item.get("status") or {}).get("parents") != [] for item in self.api.versions("tlsroutes", "r")))

    def refused(self, *faults):
        """A writer after the route's first writes were refused so; it is written in the end."""
        self.api.fail("tlsroutes/status", "patch", *faults)
        return self.wait_until_written(self.write())

    def test_failures_are_tried_again(self):
        faults = (500, "etcd"), (503, "starting"), "cut", (500, "etcd")
        self.assertEqual(self.refused(*faults).writes["failed"], len(faults))

    def test_a_server_that_says_how_long_to_wait_is_given_that_time(self):
        self.refused((429, "slow down", ("Retry-After", "2")))
        first, second, *_ = [r.time for r in self.api.requests if r[:2] == ("tlsroutes/status", "patch")]
        self.assertGreaterEqual(second - first, 2)

    def test_an_object_that_is_gone_is_forgotten(self):
        writer = self.wait_until_written(self.write())
        self.api.hold_watches("tlsroutes")
        self.api.delete(self.route)
        self.change("gateways", "gateway", lambda item: item["spec"]["listeners"][0].update(hostname="b.example.com"))
        writer.wait_for("it is not found", lambda w: w.writes["gone"] and w.pending)
        self.api.hold_watches()
        writer.wait_for("it is forgotten", lambda w: not w.pending)

    def test_a_route_that_another_version_serves_now_is_written_there(self):
        writer = self.wait_until_written(self.write())
        with self.api.changed:
            self.api.served[manifests.GATEWAY_GROUP, "v1"].remove("tlsroutes")
            self.api.served[manifests.GATEWAY_GROUP, "v1alpha3"] = ["tlsroutes"]
        self.change("gateways", "gateway", lambda item: item["spec"]["listeners"][0].update(hostname="b.example.com"))
        writer.wait_for("the version before does not know it", lambda w: w.writes["gone"])
        self.api.end_watches("tlsroutes", "broken")
        eventually(lambda: self.accepted() == "False", "it is written")

    def test_silence_ends_a_request(self):
        self.api.fail("tlsroutes/status", "patch", "silence")
        self.wait_until_written(self.write(silence_ms=1500))

    def test_events_that_are_not_answered_are_given_up(self):
        self.api.fail("events", "create", *["silence"] * 2)  # as many as are sent at the same time
        writer = self.wait_until_written(self.write(silence_ms=5000))  # a busy machine must not be silent for as long
        for hostname in "b.example.com", "a.example.com":
            self.change("gateways", "gateway", lambda item: item["spec"]["listeners"][0].update(hostname=hostname))
            eventually(lambda: self.accepted() == ("True" if hostname == "a.example.com" else "False"), hostname)
        writer.wait_for("both are given up", lambda w: w.events["failed"] == 2)
        self.change("gateways", "gateway", lambda item: item["spec"]["listeners"][0].update(hostname="b.example.com"))
        writer.wait_for("the next one is created", lambda w: w.events["created"] == 1)

    def test_events_are_a_hundred_at_once_and_one_a_second(self):
        start = time.monotonic()
        self.api.put(*[manifests.tls_route(f"r{i}", ["a.example.com"], {"a": 1}) for i in range(60)])
        writer = self.wait_until_written(self.write())
        for status in "False", "True":
            self.change("gateways", "gateway", toggle)
            eventually(lambda: self.accepted() == status, "the route says so")
            writer.wait_for("so do all of them", lambda w: not w.pending)
        writer.wait_for("what was let through is created", lambda w: w.events["created"] >= 100 and w.events["limited"])
        self.assertLessEqual(writer.events["created"], 100 + time.monotonic() - start)
        self.assertEqual(writer.events["dropped"], 0)

    def test_a_watch_that_hangs_does_not_cost_the_lease(self):
        """The first request after one that failed goes alone, since nobody knows whether others could share its connection."""
        writer = self.wait_until_written(self.write())
        self.api.fail("services", "watch", "silence")
        self.api.end_watches("services", "broken")
        before = self.api.count("leases", "patch")
        eventually(lambda: self.api.count("leases", "patch") >= before + 3, "the Lease is renewed")
        self.assertNotIn("this agent writes them no longer", writer.log())

    def test_an_object_that_changes_all_the_time_leaves_events_to_others(self):
        def refer(route, name):
            self.change("tlsroutes", route, lambda item: (item["spec"]["rules"][0]["backendRefs"][0].update(name=name),
                                                          item["metadata"].update(generation=item["metadata"].get("generation", 1) + 1)))

        self.api.put(manifests.tls_route("other", ["other.example.com"], {"a": 1}))
        writer = self.wait_until_written(self.write())
        for name in ("missing", "a") * 30:
            refer("r", name)
            eventually(lambda: self.resolved("r") == ("True" if name == "a" else "False"), "its condition follows")
        writer.wait_for("no more of it is told", lambda w: w.events["limited"])
        created = writer.events["created"]
        refer("other", "missing")
        writer.wait_for("an Event of the other", lambda w: w.events["created"] > created)

    def test_events_do_not_wait_in_any_number(self):
        self.api.fail("events", "create", *["silence"] * 2)
        self.api.put(*[manifests.tls_route(f"r{i}", ["a.example.com"], {"a": 1}) for i in range(100)])
        writer = self.wait_until_written(self.write())

        def are_dropped(_):
            self.change("gateways", "gateway", toggle)
            return writer.events.get("dropped")

        writer.wait_for("some are dropped", are_dropped)
        self.assertEqual((writer.events["created"], writer.events["failed"]), (0, 0))


if __name__ == "__main__":
    unittest.main()
