#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes source against a stand-in API server that plays faults. No root needed."""

import socket
import time
import unittest

from harness import manifests
from harness.api_server import GATEWAY_API, status
from harness.wait import eventually
from kube_following import KubeSource, service


class Objects(KubeSource):
    def test_every_kind_is_listed_and_watched(self):
        kinds = [
            (manifests.gateway_class(), "GatewayClass", "slipgate"),
            (manifests.gateway(["192.0.2.1"]), "Gateway", "default/gateway"),
            ({"apiVersion": f"{GATEWAY_API}/v1", "kind": "ListenerSet", "metadata": {"name": "l", "namespace": "default"},
              "spec": {"parentRef": {"name": "gateway"}, "listeners": [
                  {"name": "tls", "port": 443, "protocol": "TLS", "tls": {"mode": "Passthrough"}}]}}, "ListenerSet", "default/l"),
            (manifests.tls_route("r", ["a.example.com"], {"s": 1}), "TLSRoute", "default/r"),
            (manifests.service("s"), "Service", "default/s"),
            (manifests.endpoint_slices("s", ["192.0.2.9"])[0], "EndpointSlice", "default/s-ipv4"),
            ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}, "Namespace", "default"),
            ({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"},
              "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}]}}, "Node", "node-1"),
            ({"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", "metadata": {"name": "kubernetes"},
              "spec": {"cidrs": ["10.96.0.0/12"]}}, "ServiceCIDR", "kubernetes"),
            ({"apiVersion": f"{GATEWAY_API}/v1", "kind": "ReferenceGrant", "metadata": {"name": "g", "namespace": "default"},
              "spec": {"from": [{"group": GATEWAY_API, "kind": "TLSRoute", "namespace": "other"}],
                       "to": [{"group": "", "kind": "Service"}]}}, "ReferenceGrant", "default/g"),
        ]
        listed = self.follow()
        for item, kind, key in kinds:
            self.api.put(item)
            listed.wait_for(f"{kind} from the watch", lambda f: f.of(kind) and key in f.of(kind))
        state = listed.states[-1]
        again = self.follow()
        again.wait_for("the same from the list", lambda f: f.states)
        self.assertEqual(again.states[-1], state)
        for item, kind, key in kinds:
            self.api.delete(item)
            again.wait_for(f"{kind} is gone", lambda f: key not in f.of(kind))

    def test_only_annotations_of_ours_are_kept(self):
        gateway = manifests.gateway(["192.0.2.1"], source_mode="preserve")
        gateway["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = "x" * 1000
        gateway["metadata"]["managedFields"] = [{"manager": "kubectl"}]
        self.api.put(gateway)
        self.follow().wait_for("the gateway", lambda f: f.of("Gateway") == {
            "default/gateway": {"slipgate.dev/source-mode": "preserve"}})

    def test_an_object_that_breaks_a_rule_is_left_out_and_named(self):
        bad = manifests.tls_route("r", ["a.example.com"], {"s": 1})
        bad["spec"]["rules"] *= 2
        self.api.put(bad, service("a"))
        follower = self.follow()
        self.wait_for_services(follower, {"default/a": [443]})
        self.assertEqual(follower.of("TLSRoute"), {})
        self.assertIn("spec.rules", follower.of("problems")["TLSRoute default/r"])
        self.assertEqual(follower.log().count("spec.rules"), 1)
        self.api.put(manifests.tls_route("r", ["a.example.com"], {"s": 1}))
        follower.wait_for("the repaired one", lambda f: f.of("TLSRoute") and not f.of("problems"))

    def test_fields_of_a_newer_api_server_do_no_harm(self):
        new = service("a")
        new["spec"]["newField"] = {"a": 1}
        self.api.put(new)
        follower = self.follow()
        self.wait_for_services(follower, {"default/a": [443]})
        self.assertEqual(follower.of("problems"), {})

    def test_an_update_that_changes_nothing_used_is_no_new_state(self):
        follower = self.follow_one_service()
        states = len(follower.states)
        same = service("a")
        same["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
        self.api.put(same)
        self.api.repeat("services")
        self.change_and_see(follower)
        self.assertEqual(len(follower.states), states + 2, "one for each change that counts")


class Definitions(KubeSource):
    @staticmethod
    def definition(plural, version, group=GATEWAY_API):
        annotations = {"gateway.networking.k8s.io/bundle-version": version} if version else {}
        return {"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
                "metadata": {"name": f"{plural}.{group}", "annotations": annotations}}

    def test_the_release_of_each_of_the_gateway_api_is_known(self):
        self.api.put(self.definition("gateways", "v1.7.0"), self.definition("others", "v1", "example.com"))
        follower = self.follow()
        wanted = {f"gateways.{GATEWAY_API}": "v1.7.0"}
        follower.wait_for("the release", lambda f: f.of("bundle_versions") == wanted)
        self.api.put(self.definition("tlsroutes", None))
        follower.wait_for("one without", lambda f: f.of("bundle_versions") == wanted | {f"tlsroutes.{GATEWAY_API}": ""})
        self.api.put(self.definition("gateways", "v1.8.0"))
        self.api.delete(self.definition("tlsroutes", None))
        follower.wait_for("another", lambda f: f.of("bundle_versions") == {f"gateways.{GATEWAY_API}": "v1.8.0"})
        accepted = {request.accept for request in self.api.requests if request.plural == "customresourcedefinitions"}
        self.assertEqual(accepted, {f"application/json;as={kind};g=meta.k8s.io;v=v1"
                                    for kind in ("PartialObjectMetadata", "PartialObjectMetadataList")})


class Lists(KubeSource):
    def test_pages(self):
        self.api.page = 2
        self.api.put(*[service(f"s{i}", i + 1) for i in range(5)])
        follower = self.follow()
        self.wait_for_services(follower, {f"default/s{i}": [i + 1] for i in range(5)})
        self.assertEqual(self.api.count("services", "list"), 3)
        self.assertEqual(len(follower.states), 1, "the first state is complete")
        self.change_and_see(follower)

    def test_a_list_that_fails_is_tried_again(self):
        for fault in ("cut", "garbage", (429, "slow down"), (500, "etcd"), (410, "expired")):
            with self.subTest(fault=fault):
                self.api.fail("services", "list", fault)
                self.api.put(service("a"))
                follower = self.follow()
                self.wait_for_services(follower, {"default/a": [443]})
                follower.close()

    def test_an_answer_without_end_is_given_up(self):
        self.api.fail("services", "list", "endless")
        self.api.put(service("a"))
        follower = self.follow()
        self.wait_for_services(follower, {"default/a": [443]})
        limits = [int(request.query["limit"]) for request in self.api.requests if request[:2] == ("services", "list")]
        self.assertEqual(limits[0] // 2, limits[1], "what does not fit is asked for in parts")

    def test_an_answer_whose_end_does_not_come_is_taken_when_it_is_whole(self):
        self.api.page = 1
        self.api.put(service("a", 1), service("b", 2))
        self.api.fail("services", "list", "unended", "unended")
        follower = self.follow()
        self.wait_for_services(follower, {"default/a": [1], "default/b": [2]})
        self.assertEqual(self.api.count("services", "list"), 2, "each page was asked for once")
        self.change_and_see(follower)

    def test_pages_of_large_objects_are_short(self):
        self.api.put(service("a"))
        self.wait_for_services(self.follow(), {"default/a": [443]})
        limit = {request.plural: int(request.query["limit"]) for request in self.api.requests if request.verb == "list"}
        self.assertLess(limit.pop("endpointslices"), min(limit.values()))

    def test_a_server_that_says_how_long_to_wait_is_given_that_time(self):
        seconds = 2  # without it the wait is a tenth of that
        self.api.fail("services", "list", (429, "slow down", ("Retry-After", str(seconds))))
        self.follow_one_service()
        first, second = [request.time for request in self.api.requests if request[:2] == ("services", "list")]
        self.assertGreaterEqual(second - first, seconds)

    def test_nothing_is_told_before_every_kind_was_listed(self):
        self.api.put(service("a"))
        self.api.forbidden.add(("endpointslices", "list"))
        follower = self.follow()
        follower.wait_for("the missing rule", lambda f: f.missing and "RBAC" in f.missing)
        self.assertEqual(follower.states, [])
        self.assertIn('RBAC does not allow to list endpointslices.discovery.k8s.io: a ClusterRole bound to the agent needs the rule '
                      '{apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"]}', follower.missing)
        self.api.forbidden.clear()
        self.wait_for_services(follower, {"default/a": [443]})

    def test_silence_ends_a_list(self):
        self.api.fail("services", "list", "silence")
        self.api.put(service("a"))
        self.wait_for_services(self.follow(silence_ms=1500), {"default/a": [443]})


class Watches(KubeSource):
    def test_lines_in_pieces(self):
        self.api.piece = 7
        self.change_and_see(self.follow_one_service())

    def test_an_end_in_order_is_followed_by_a_watch_from_there(self):
        follower = self.follow_one_service()
        self.api.put(service("b"))
        self.wait_for_services(follower, {"default/a": [443], "default/b": [443]})
        revision = self.api.revision
        self.api.end_watches("services", "in order")
        eventually(lambda: self.api.count("services", "watch") == 2, "watched again")
        second = self.watches_of_services()[1].query
        self.assertEqual(second["resourceVersion"], str(revision))
        self.assertEqual(second["allowWatchBookmarks"], "true")
        self.assertEqual(self.api.count("services", "list"), 1)
        self.change_and_see(follower)

    def test_a_watch_that_fails_goes_on_without_a_list(self):
        for how in "within a line", "broken":
            with self.subTest(how=how):
                follower = self.follow_one_service()
                lists = self.api.count("services", "list")
                self.api.end_watches("services", how)
                self.change_and_see(follower)
                self.assertEqual(self.api.count("services", "list"), lists)
                follower.close()
                self.api.requests.clear()

    def watches_of_services(self):
        return [request for request in self.api.requests if request[:2] == ("services", "watch")]

    def test_a_quiet_watch_goes_on_from_its_bookmark(self):
        self.api.bookmark_after = 0.1
        follower = self.follow_one_service()
        self.api.put(manifests.gateway_class())
        follower.wait_for("the class", lambda f: f.of("GatewayClass"))
        revision = self.api.revision
        eventually(lambda: ("services", revision) in self.api.bookmarks, "the watch is told of the change of another kind")
        self.api.end_watches("services", "in order")
        eventually(lambda: self.api.count("services", "watch") == 2, "watched again")
        self.assertEqual(self.watches_of_services()[1].query["resourceVersion"], str(revision))

    def test_a_watch_that_stood_is_no_failure_however_it_ends(self):
        follower = self.follow_one_service()
        for _ in range(3):
            watch = self.watches_of_services()[-1]
            eventually(lambda: time.monotonic() - watch.time > 1, "it stood for a while, and told nothing")
            self.api.end_watches("services", "broken")
            eventually(lambda: self.watches_of_services()[-1] != watch, "watched again")
        self.assertNotIn("kind=Service", follower.log())
        self.change_and_see(follower)

    def recovers(self, faults, reason):
        self.api.fail("services", "watch", *faults)
        self.api.put(service("a"))
        follower = self.follow()
        follower.wait_for("the reason", lambda f: reason in f.log())
        self.wait_for_services(follower, {"default/a": [443]})
        self.change_and_see(follower)

    def test_a_watch_that_ends_at_once_is_a_failure(self):
        self.recovers(["empty"] * 3, "a watch ended at once")

    def test_an_event_without_end_is_given_up(self):
        self.recovers(["endless"], "a watch event is too long")

    def test_a_watch_that_cannot_go_on_lists_anew(self):
        for how in "garbage", status(410, "too old resource version"), status(500, "etcd"):
            with self.subTest(how=how):
                follower = self.follow_one_service()
                self.api.end_watches("services", how)
                eventually(lambda: self.api.count("services", "list") == 2, "listed anew")
                self.change_and_see(follower)
                follower.close()
                self.api.requests.clear()

    def test_compaction_while_the_server_was_away(self):
        follower = self.follow_one_service()
        self.api.stop()
        self.api.delete(service("a"))
        self.api.put(service("b"))
        self.api.compact()
        self.api.start()
        self.wait_for_services(follower, {"default/b": [443]})
        self.change_and_see(follower)

    def test_a_restart_is_waited_for_and_goes_on_without_a_list(self):
        follower = self.follow_one_service()
        states = len(follower.states)
        self.api.stop()
        follower.wait_for("the loss is noticed", lambda f: "Service" in f.log())
        self.api.put(service("b"))
        self.api.start()
        self.wait_for_services(follower, {"default/a": [443], "default/b": [443]})
        self.assertEqual(len(follower.states), states + 1, "nothing was forgotten meanwhile")
        self.assertEqual(self.api.count("services", "list"), 1)

    def test_a_server_of_an_earlier_time_is_listed_anew(self):
        self.api.waits_for_future = True
        self.api.put(*(service(f"s{n}") for n in range(20)))
        follower = self.follow(silence_ms=1500)
        follower.wait_for("all of them", lambda f: len(f.of("Service") or []) == 20)
        self.api.stop()
        self.api.restore(service("before"))
        self.api.start()
        self.wait_for_services(follower, {"default/before": [443]})

    def test_silence_ends_a_watch(self):
        self.api.fail("services", "watch", "silence")
        self.api.put(service("a"))
        follower = self.follow(silence_ms=1500)
        self.wait_for_services(follower, {"default/a": [443]})
        self.change_and_see(follower)

    def test_rbac_that_forbids_to_watch_is_named_and_waited_for(self):
        self.api.forbidden.add(("services", "watch"))
        self.api.put(service("a"))
        follower = self.follow()
        self.wait_for_services(follower, {"default/a": [443]})
        follower.wait_for("the missing rule", lambda f: "RBAC does not allow to watch services" in f.log())
        follower.wait_for("what is not followed", lambda f: [kind for kind, is_so in f.followed.items() if not is_so] == ["Service"])
        self.api.forbidden.clear()
        self.change_and_see(follower)
        follower.wait_for("services are followed again", lambda f: f.followed["Service"])


class LostApiServer(KubeSource):
    """Something on the way answers 404 to everything."""

    def test_it_takes_nothing_away(self):
        self.api.put(manifests.tls_route("r", ["a.example.com"], {"s": 1}), service("a"))
        follower = self.follow()
        follower.wait_for("both objects", lambda f: f.of("TLSRoute") and f.of("Service"))
        asked = {"tlsroutes": f"/apis/{GATEWAY_API}/v1", "services": "/api/v1/services"}
        eventually(lambda: all(self.api.count(plural, "watch") for plural in asked), "both kinds are watched")
        states = len(follower.states)
        self.api.is_lost = True
        for plural, path in asked.items():
            self.api.end_watches(plural, "in order")
            eventually(lambda: self.api.not_found.count(path) >= 2, f"{path} was asked for again")
        self.api.is_lost = False
        self.change_and_see(follower)
        self.assertEqual(len(follower.states), states + 2, "one for each change that counts")
        self.assertTrue(follower.of("TLSRoute"))

    def test_connections_without_an_answer_leave_nobody_waiting(self):
        def watches(at_least):
            plurals = [plural for served in self.api.served.values() for plural in served]
            return lambda: all(self.api.count(plural, "watch") >= at_least for plural in plurals)

        follower = self.follow_one_service()
        eventually(watches(1), "each kind is watched")
        self.api.stop()
        with socket.create_server(("127.0.0.1", self.api.port)) as listener:
            for _ in range(9):
                connection, _ = listener.accept()
                time.sleep(0.05)  # others come meanwhile
                connection.close()
        self.api.start()
        eventually(watches(2), "each kind is watched again")
        self.change_and_see(follower)

    def test_a_server_that_is_none_has_no_state(self):
        follower = self.follow(f"http://127.0.0.1:{self.api.port}/elsewhere")
        kinds = "GatewayClass", "Gateway", "ListenerSet", "TLSRoute", "ReferenceGrant", "Namespace", "Node", "Service", "EndpointSlice", \
            "ServiceCIDR", "CustomResourceDefinition"
        follower.wait_for("each kind is missing", lambda f: f.missing and all(f"{kind} (" in f.missing for kind in kinds))
        self.assertEqual(follower.states, [])


class Versions(KubeSource):
    def serve_routes(self, *versions):
        self.api.served[GATEWAY_API, "v1"].remove("tlsroutes")
        for version in versions:
            self.api.served[GATEWAY_API, version] = ["tlsroutes"]

    def test_the_best_version_served_is_used(self):
        self.api.put(manifests.tls_route("r", ["a.example.com"], {"s": 1}))
        self.serve_routes("v1alpha3", "v1alpha2")
        follower = self.follow()
        follower.wait_for("the route", lambda f: f.of("TLSRoute") == {"default/r": ["a.example.com"]})

    def test_the_oldest_version_is_used_if_there_is_no_other(self):
        self.api.put(manifests.tls_route("r", ["a.example.com"], {"s": 1}))
        self.serve_routes("v1alpha2")
        follower = self.follow()
        follower.wait_for("the route", lambda f: f.of("TLSRoute") == {"default/r": ["a.example.com"]})

    def test_a_missing_crd_holds_up_nothing_and_is_named(self):
        self.serve_routes()
        follower = self.follow_one_service()
        self.assertEqual(follower.of("TLSRoute"), {})
        self.assertTrue(follower.followed["TLSRoute"], "there are none, which is known")
        self.assertIn("does not serve tlsroutes.gateway.networking.k8s.io: is its CustomResourceDefinition installed?",
                      follower.log())

    def test_an_older_kubernetes_has_no_service_cidrs(self):
        group = "networking.k8s.io"
        for served in {}, {(group, "v1"): ["networkpolicies"], (group, "v1beta1"): ["servicecidrs"]}:
            with self.subTest(served=served):
                self.api.served.pop((group, "v1"), None)
                self.api.served |= served
                follower = self.follow()
                follower.wait_for("the first state", lambda f: f.states)
                self.assertTrue(follower.followed["ServiceCIDR"], "there are none, which is known")
                self.assertIn("does not serve servicecidrs.networking.k8s.io: --service-cidr is to name the networks",
                              follower.log())

    def test_a_crd_that_is_removed_takes_its_objects_with_it(self):
        self.api.put(manifests.tls_route("r", ["a.example.com"], {"s": 1}))
        follower = self.follow()
        follower.wait_for("the route", lambda f: f.of("TLSRoute"))
        eventually(lambda: self.api.count("tlsroutes", "watch"), "routes are watched")
        self.serve_routes()
        self.api.end_watches("tlsroutes", "in order")
        follower.wait_for("no route", lambda f: not f.of("TLSRoute"))


if __name__ == "__main__":
    unittest.main()
