#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Statuses written back, against a stand-in API server that plays faults. No root needed."""

import unittest

from harness import manifests
from harness.api_server import GATEWAY_API
from harness.wait import eventually
from kube_following import KubeSource, Writer

FOREIGN = {"type": "acme.example/Seen", "status": "True", "reason": "Seen", "message": "", "lastTransitionTime": "2020-01-01T00:00:00Z"}
FOREIGN_PARENT = {"parentRef": {"name": "elsewhere"}, "controllerName": "acme.example/controller", "conditions": [FOREIGN]}


def conditions_of(item):
    """{type: status}"""
    return {condition["type"]: condition["status"] for condition in (item.get("status") or {}).get("conditions", [])}


def unquoted(log):
    """logfmt puts a backslash before each quote."""
    return log.replace('\\"', '"')


class StatusCase(KubeSource):
    def setUp(self):
        super().setUp()
        self.gateway = manifests.gateway(["192.0.2.1"])
        self.route = manifests.tls_route("r", ["a.example.com"], {"a": 1})
        self.api.put(manifests.gateway_class(), self.gateway, self.route, manifests.service("a"))
        for item in self.api.all("gatewayclasses") + self.api.all("gateways") + self.api.all("tlsroutes"):
            item["metadata"] |= {"uid": f"uid-of-{item['metadata']['name']}", "generation": 1}
            self.api.put(item)

    def write(self, **options):
        writer = Writer(self.folder, f"http://127.0.0.1:{self.api.port}", **options)
        self.addCleanup(writer.close)
        return writer

    def change(self, plural, name, change, namespace="default"):
        """What somebody else writes: `change` of the object."""
        with self.api.changed:
            item = self.api.get(plural, name, namespace)
            change(item)
            self.api.put(item)

    def of_route(self, name="r"):
        return (self.api.get("tlsroutes", name).get("status") or {}).get("parents", [])

    def conditions_of_route(self, name):
        """Those of its first entry, by type."""
        return {condition["type"]: condition for entry in self.of_route(name)[:1] for condition in entry["conditions"]}

    def accepted(self):
        """The Accepted status of the route's first entry of ours."""
        entry = next((entry for entry in self.of_route() if entry["controllerName"] == manifests.CONTROLLER), None)
        return entry and next(c["status"] for c in entry["conditions"] if c["type"] == "Accepted")

    def wait_until_written(self, writer):
        writer.wait_for("it is the writer, and has nothing to do", lambda w: w.writer and not w.pending and w.writes["written"])
        eventually(self.accepted, "the route has a status")
        return writer


class Writes(StatusCase):
    def test_each_kind_gets_its_status(self):
        self.api.put(manifests.listener_set("more", 8443))
        self.wait_until_written(self.write())
        self.assertEqual(conditions_of(self.api.get("gatewayclasses", "slipgate", "")), {"Accepted": "True", "SupportedVersion": "True"})
        eventually(lambda: conditions_of(self.api.get("gateways", "gateway")) == {"Accepted": "True", "Programmed": "True"}, "gateway")
        eventually(lambda: conditions_of(self.api.get("listenersets", "more")) == {"Accepted": "False", "Programmed": "False"}, "set")
        gateway = self.api.get("gateways", "gateway")["status"]
        self.assertEqual(gateway["addresses"], [{"type": "IPAddress", "value": "192.0.2.1"}])
        self.assertEqual(gateway["listeners"][0]["attachedRoutes"], 1)
        self.assertEqual(self.of_route()[0]["parentRef"], {"group": GATEWAY_API, "kind": "Gateway", "name": "gateway"})

    def test_a_new_agent_writes_nothing(self):
        first = self.wait_until_written(self.write())
        first.end()
        revision = self.api.get("tlsroutes", "r")["metadata"]["resourceVersion"]
        patches = self.api.count("tlsroutes/status", "patch")
        second = self.write()
        second.wait_for("it is the writer, and has nothing to do", lambda w: w.writer and not w.pending)
        self.api.put(manifests.tls_route("last", ["b.example.com"], {"a": 1}))
        eventually(lambda: self.of_route("last"), "a new route is written, and was the only one")
        self.assertEqual(self.api.get("tlsroutes", "r")["metadata"]["resourceVersion"], revision)
        self.assertEqual(self.api.count("tlsroutes/status", "patch"), patches + 1)

    def test_the_echo_of_a_write_is_no_reason_for_another(self):
        writer = self.wait_until_written(self.write())
        patches = self.api.count("gateways/status", "patch")
        self.api.repeat("gateways")
        self.api.put(manifests.tls_route("last", ["b.example.com"], {"a": 1}))
        eventually(lambda: self.of_route("last"), "the last route has a status")
        writer.wait_for("nothing to do", lambda w: not w.pending)
        self.assertEqual(self.api.count("gateways/status", "patch"), patches + 1, "for attachedRoutes")

    def test_what_a_crd_does_not_know_is_not_written_again_and_again(self):
        self.api.pruned.add("attachedListenerSets")
        writer = self.wait_until_written(self.write())
        self.api.put(manifests.tls_route("last", ["b.example.com"], {"a": 1}))
        eventually(lambda: self.of_route("last"), "the last route has a status")
        writer.wait_for("nothing to do", lambda w: not w.pending)
        self.assertLessEqual(self.api.count("gateways/status", "patch"), 4)

    def test_what_others_wrote_stays(self):
        def add_foreign(item):
            item["status"] = {"parents": [FOREIGN_PARENT, *item["status"]["parents"]]}

        writer = self.wait_until_written(self.write())
        self.change("tlsroutes", "r", add_foreign)
        self.change("gateways", "gateway", lambda item: item["status"]["conditions"].insert(0, FOREIGN))
        self.change("gateways", "gateway", lambda item: item["spec"]["listeners"][0].update(hostname="b.example.com"))
        self.change("gateways", "gateway", lambda item: item["metadata"].update(generation=2))
        eventually(lambda: self.accepted() == "False", "the route is not accepted")
        writer.wait_for("nothing to do", lambda w: not w.pending)
        self.assertEqual(self.of_route()[0], FOREIGN_PARENT)
        self.assertEqual(self.api.get("gateways", "gateway")["status"]["conditions"][0], FOREIGN)

    def test_our_entry_goes_with_its_parent(self):
        self.wait_until_written(self.write())
        self.change("tlsroutes", "r", lambda item: item["status"]["parents"].append(FOREIGN_PARENT))
        self.change("gateways", "gateway", lambda item: item["spec"].update(gatewayClassName="other"))
        eventually(lambda: self.of_route() == [FOREIGN_PARENT], "only the other one's entry is left")
        self.assertEqual(conditions_of(self.api.get("gateways", "gateway")), {"Accepted": "True", "Programmed": "True"},
                         "a Gateway of another class is left alone")

    def test_what_only_the_agent_refuses_is_not_accepted(self):
        """The experimental channel's CRD takes references that differ in their port only."""
        def refer_twice(item):
            item["spec"]["parentRefs"] = [dict(item["spec"]["parentRefs"][0], port=port) for port in (443, 8443)]
            item["metadata"]["generation"] = 2

        def use_a_new_mode(item):
            item["spec"]["listeners"][0]["tls"]["mode"] = "Peek"
            item["metadata"]["generation"] = 2

        self.wait_until_written(self.write())
        self.change("tlsroutes", "r", refer_twice)
        eventually(lambda: self.accepted() == "False", "the route is not accepted")
        entries = self.of_route()
        self.assertEqual([entry["parentRef"]["port"] for entry in entries], [443, 8443])
        for entry in entries:
            self.assertEqual({condition["observedGeneration"] for condition in entry["conditions"]}, {2})
            self.assertEqual(entry["conditions"][0]["reason"], "UnsupportedValue")
            self.assertIn("spec.parentRefs[1].sectionName: Invalid value", entry["conditions"][0]["message"])
        self.api.put(manifests.tls_route("good", ["b.example.com"], {"a": 1}))
        eventually(lambda: self.conditions_of_route("good").get("Accepted", {}).get("status") == "True", "a route that is taken")
        self.change("gateways", "gateway", use_a_new_mode)
        eventually(lambda: conditions_of(self.api.get("gateways", "gateway")) == {"Accepted": "False", "Programmed": "False"}, "gateway")
        gateway = self.api.get("gateways", "gateway")["status"]
        self.assertEqual({(c["reason"], c["observedGeneration"]) for c in gateway["conditions"]}, {("Invalid", 2)})
        self.assertIn('spec.listeners[0].tls.mode: Unsupported value: "Peek"', gateway["conditions"][0]["message"])
        self.assertEqual(gateway["listeners"], [])
        self.assertEqual([address["value"] for address in gateway["addresses"]], ["192.0.2.1"], "kept for the time after")
        eventually(lambda: self.conditions_of_route("good").get("Accepted", {}).get("reason") == "NoMatchingParent", "a route under it")
        self.assertEqual(self.conditions_of_route("good")["Accepted"]["message"],
                         "Gateway default/gateway is not accepted; its conditions say why", "the field is for its owner")
        self.assertEqual(self.conditions_of_route("r")["Accepted"]["reason"], "UnsupportedValue", "what is wrong with itself")
        self.change("gateways", "gateway", lambda item: item["spec"]["listeners"][0]["tls"].update(mode="Passthrough"))
        eventually(lambda: conditions_of(self.api.get("gateways", "gateway")) == {"Accepted": "True", "Programmed": "True"}, "repaired")
        eventually(lambda: self.conditions_of_route("good").get("Accepted", {}).get("status") == "True", "its route")

    def test_what_is_changed_back_again_and_again_is_written_less_and_less_often(self):
        def refuse(item):
            item["status"]["parents"][0]["conditions"][0].update(status="False", reason="Other")

        writer = self.wait_until_written(self.write())
        writes = self.api.count("tlsroutes/status", "patch")
        for _ in range(4):
            self.change("tlsroutes", "r", refuse)
            eventually(lambda: self.accepted() == "True", "it is written again")
        times = [r.time for r in self.api.requests if r[:2] == ("tlsroutes/status", "patch")][writes - 1:]
        rests = [after - before for before, after in zip(times, times[1:])]
        for rest, least in zip(rests, (0.2, 0.4, 0.8, 1.6), strict=True):
            self.assertGreaterEqual(rest, least)
        writer.wait_for("it is said", lambda w: w.log().count("somebody changes this status back again and again") == 1)
        eventually(lambda: any(event["reason"] == "StatusContested" for event in self.api.all("events")), "an Event")

    def test_events_tell_what_becomes_bad_and_good_again(self):
        self.wait_until_written(self.write())
        self.assertEqual(self.api.all("events"), [])
        self.change("gateways", "gateway", lambda item: item["spec"]["listeners"][0].update(hostname="b.example.com"))
        eventually(lambda: [event["reason"] for event in self.api.all("events")] == ["NoMatchingListenerHostname"], "a warning")
        self.change("gateways", "gateway", lambda item: item["spec"]["listeners"][0].pop("hostname"))
        event = eventually(lambda: next((e for e in self.api.all("events") if e["type"] == "Normal"), None), "it is over")
        self.assertEqual(event["regarding"], {"apiVersion": f"{GATEWAY_API}/v1", "kind": "TLSRoute", "namespace": "default",
                                              "name": "r", "uid": "uid-of-r"})
        self.assertEqual(event["reason"], "Accepted")


class Restores(StatusCase):
    def test_an_earlier_state_of_all_objects_is_written_anew(self):
        before = [item for kind in ("gatewayclasses", "gateways", "tlsroutes", "services") for item in self.api.all(kind)]
        self.wait_until_written(self.write())
        self.api.stop()
        self.api.restore(*before)
        self.api.start()
        eventually(self.accepted, "the route has a status again")

    def test_conditions_of_a_later_generation_than_the_object_s_are_of_an_earlier_life(self):
        writer = self.wait_until_written(self.write())

        def set_generation(item):
            item["status"]["parents"][0]["conditions"][0]["observedGeneration"] = 9

        self.change("tlsroutes", "r", set_generation)
        eventually(lambda: self.of_route()[0]["conditions"][0]["observedGeneration"] == 1, "they are of the object that is there")
        self.assertEqual(self.api.count("tlsroutes/status", "get"), 1, "it was read first")
        writer.wait_for("it is said", lambda w: "conditions of a later generation than the object has are replaced" in w.log())


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
            self.change("tlsroutes", "r", lambda item: (item["spec"].update(parentRefs=parents), item["metadata"].update(generation=generation)))

        writer = self.wait_until_written(self.write())
        parents = self.api.get("tlsroutes", "r")["spec"]["parentRefs"]
        self.api.fail("tlsroutes/status", "patch", (429, "slow down", ("Retry-After", "1")))
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

    def test_one_kind_that_fails_holds_up_no_other(self):
        self.api.forbidden.add(("gateways/status", "patch"))
        writer = self.write()
        eventually(self.accepted, "the route has a status")
        writer.wait_for("the missing rule", lambda w: 'a ClusterRole bound to the agent needs the rule {apiGroups: '
                        '["gateway.networking.k8s.io"], resources: ["gateways/status"], verbs: ["get", "patch"]}' in unquoted(w.log()))
        writer.wait_for("it is pending", lambda w: w.pending == 1 and w.writes["forbidden"])
        self.api.forbidden.clear()
        self.wait_until_written(writer)
        writer.wait_for("it works again", lambda w: "writing works again" in w.log())

    def test_one_status_that_is_refused_holds_up_no_other_of_its_kind(self):
        for code in 403, 422, 500:
            refused = f"a-refused-{code}"  # it comes before the others
            self.api.refused["tlsroutes/status", refused, "patch"] = (code, "denied")
            self.api.put(manifests.tls_route(refused, ["a.example.com"], {"a": 1}))
        others = [f"r{i}" for i in range(20)]
        self.api.put(*[manifests.tls_route(name, ["a.example.com"], {"a": 1}) for name in others])
        self.write()
        for name in others:
            eventually(lambda: self.of_route(name), f"{name} has a status")

    def test_what_is_rejected_is_said_once_and_not_repeated(self):
        self.api.fail("tlsroutes/status", "patch", *[(422, "too many parents")] * 2)
        writer = self.write()
        writer.wait_for("it is rejected", lambda w: w.writer and w.writes["rejected"] == 1 and not w.pending)
        self.change("tlsroutes", "r", lambda item: item["metadata"].update(generation=2))
        writer.wait_for("it is tried with the next generation", lambda w: w.writes["rejected"] == 2)
        self.assertEqual(writer.log().count("too many parents"), 1)
        self.change("tlsroutes", "r", lambda item: item["metadata"].update(generation=3))
        self.wait_until_written(writer)

    def test_what_is_rejected_is_tried_again_later(self):
        """A policy that was in its way may have gone since."""
        self.api.fail("tlsroutes/status", "patch", *[(422, "denied by a policy")] * 2)
        writer = self.wait_until_written(self.write(rejection_ms=300))
        writer.wait_for("it was rejected before", lambda w: w.writes["rejected"] == 2)

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
            self.api.served[GATEWAY_API, "v1"].remove("tlsroutes")
            self.api.served[GATEWAY_API, "v1alpha3"] = ["tlsroutes"]
        self.change("gateways", "gateway", lambda item: item["spec"]["listeners"][0].update(hostname="b.example.com"))
        writer.wait_for("the version before does not know it", lambda w: w.writes["gone"])
        self.api.end_watches("tlsroutes", "broken")
        eventually(lambda: self.accepted() == "False", "it is written")

    def test_silence_ends_a_request(self):
        self.api.fail("tlsroutes/status", "patch", "silence")
        self.wait_until_written(self.write(silence_ms=1500))

    def test_events_that_are_not_answered_are_given_up(self):
        self.api.fail("events", "create", *["silence"] * 2)  # as many as are sent at the same time
        writer = self.wait_until_written(self.write(silence_ms=1500))
        for hostname in "b.example.com", "a.example.com":
            self.change("gateways", "gateway", lambda item: item["spec"]["listeners"][0].update(hostname=hostname))
            eventually(lambda: self.accepted() == ("True" if hostname == "a.example.com" else "False"), hostname)
        writer.wait_for("both are given up", lambda w: w.events["failed"] == 2)
        self.change("gateways", "gateway", lambda item: item["spec"]["listeners"][0].update(hostname="b.example.com"))
        writer.wait_for("the next one is created", lambda w: w.events["created"] == 1)

    def test_events_do_not_wait_in_any_number(self):
        def toggle(item):
            listener = item["spec"]["listeners"][0]
            listener["hostname"] = "a.example.com" if listener.get("hostname") == "b.example.com" else "b.example.com"

        self.api.fail("events", "create", *["silence"] * 2)
        self.api.put(*[manifests.tls_route(f"r{i}", ["a.example.com"], {"a": 1}) for i in range(100)])
        writer = self.wait_until_written(self.write())

        def are_dropped(_):
            self.change("gateways", "gateway", toggle)
            return writer.events.get("dropped")

        writer.wait_for("some are dropped", are_dropped)
        self.assertEqual((writer.events["created"], writer.events["failed"]), (0, 0))

    def test_events_that_cannot_be_created_hold_up_nothing(self):
        self.api.forbidden.add(("events", "create"))
        self.change("gateways", "gateway", lambda item: item["spec"]["listeners"][0].update(hostname="b.example.com"))
        writer = self.wait_until_written(self.write())
        writer.wait_for("it failed", lambda w: w.events["failed"])
        writer.wait_for("the missing rule", lambda w: 'resources: ["events"], verbs: ["create"]' in unquoted(w.log()))


class Election(StatusCase):
    def lease(self):
        return self.api.get("leases", "slipgate-status-writer", "slipgate-system")

    def test_one_of_two_writes_and_the_other_takes_over(self):
        first = self.wait_until_written(self.write(node="node-1"))
        second = self.write(node="node-2")
        eventually(lambda: self.api.count("leases", "get") >= 2, "the second looks at the Lease")
        self.assertTrue(self.lease()["spec"]["holderIdentity"].startswith("node-1_"))
        first.kill()
        self.change("gateways", "gateway", lambda item: item["spec"]["listeners"][0].update(hostname="b.example.com"))
        eventually(lambda: self.accepted() == "False", "the second writes", 30)
        self.assertTrue(self.lease()["spec"]["holderIdentity"].startswith("node-2_"))
        self.assertEqual(self.lease()["spec"]["leaseTransitions"], 1)
        second.wait_for("it knows", lambda w: w.writer)

    def test_one_that_ends_in_good_order_leaves_the_lease_to_others(self):
        first = self.wait_until_written(self.write())
        first.end()
        self.assertEqual(self.lease()["spec"]["holderIdentity"], "")
        looks = self.api.count("leases", "get")
        self.write(node="node-2").wait_for("it is the writer", lambda w: w.writer)
        self.assertEqual(self.api.count("leases", "get"), looks + 1, "it did not wait for the end of the Lease")

    def test_one_that_may_not_have_the_lease_writes_nothing(self):
        self.api.forbidden.add(("leases", "get"))
        writer = self.write()
        writer.wait_for("the missing rule", lambda w: 'a Role bound to the agent needs the rule {apiGroups: ["coordination.k8s.io"], '
                        'resources: ["leases"], verbs: ["create", "get", "patch"]}' in unquoted(w.log()))
        self.assertFalse(writer.writer)
        self.assertEqual(self.of_route(), [])
        self.api.forbidden.clear()
        self.wait_until_written(writer)

    def test_a_holder_that_is_cut_off_stops(self):
        writer = self.wait_until_written(self.write())
        self.api.stop()
        writer.wait_for("it is no longer the writer", lambda w: not w.writer)
        self.api.start()
        writer.wait_for("it is again", lambda w: w.writer)


if __name__ == "__main__":
    unittest.main()
