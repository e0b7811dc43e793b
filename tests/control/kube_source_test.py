#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes source against an API server that fails, by a stand-in. No root needed; tests/kube has a real one."""

import socket
import time
import unittest

from harness import manifests
from harness.api_server import status
from harness.wait import eventually
from kube_following import KubeSource, service


class Lists(KubeSource):
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

    def test_answers_are_no_longer_than_they_have_to_be(self):
        """Pages of large objects are shorter, and of definitions only the metadata is asked for."""
        self.api.put(service("a"))
        self.wait_for_services(self.follow(), {"default/a": [443]})
        limit = {request.plural: int(request.query["limit"]) for request in self.api.requests if request.verb == "list"}
        self.assertLess(limit.pop("endpointslices"), min(limit.values()))
        eventually(lambda: self.api.count("customresourcedefinitions", "watch"), "definitions are watched")
        accepted = {request.accept for request in self.api.requests if request.plural == "customresourcedefinitions"}
        self.assertEqual(accepted, {f"application/json;as={kind};g=meta.k8s.io;v=v1"
                                    for kind in ("PartialObjectMetadata", "PartialObjectMetadataList")})

    def test_a_server_that_says_how_long_to_wait_is_given_that_time(self):
        seconds = 2  # without it the wait is a tenth of that
        self.api.fail("services", "list", (429, "slow down", ("Retry-After", str(seconds))))
        self.follow_one_service()
        first, second = [request.time for request in self.api.requests if request[:2] == ("services", "list")]
        self.assertGreaterEqual(second - first, seconds)

    def test_silence_ends_a_list(self):
        self.api.fail("services", "list", "silence")
        self.api.put(service("a"))
        self.wait_for_services(self.follow(silence_ms=1500), {"default/a": [443]})


class Watches(KubeSource):
    def test_lines_in_pieces(self):
        self.api.piece = 7
        self.change_and_see(self.follow_one_service())

    def test_a_change_that_is_told_twice_is_one(self):
        self.api.bookmark_after = 0.1  # longer than changes are put together
        follower = self.follow_one_service()
        self.api.put(service("b"))
        self.wait_for_services(follower, {"default/a": [443], "default/b": [443]})
        states, bookmarks = len(follower.states), len(self.api.bookmarks)
        self.api.repeat("services")
        eventually(lambda: "services" in dict(self.api.bookmarks[bookmarks:]), "it was told before the bookmark")
        self.change_and_see(follower)
        self.assertEqual(len(follower.states), states + 2, "one for each change that counts")

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

    def test_a_watch_that_is_refused_as_too_old_lists_anew(self):
        self.recovers([(410, "too old resource version")], "410 too old resource version")
        self.assertEqual(self.api.count("services", "list"), 2)

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

    def test_silence_ends_a_watch(self):
        self.api.fail("services", "watch", "silence")
        self.api.put(service("a"))
        follower = self.follow(silence_ms=1500)
        self.wait_for_services(follower, {"default/a": [443]})
        self.change_and_see(follower)


class LostApiServer(KubeSource):
    """Something on the way answers 404 to everything."""

    def test_it_takes_nothing_away(self):
        self.api.put(manifests.tls_route("r", ["a.example.com"], {"s": 1}), service("a"))
        follower = self.follow()
        follower.wait_for("both objects", lambda f: f.of("TLSRoute") and f.of("Service"))
        asked = {"tlsroutes": f"/apis/{manifests.GATEWAY_GROUP}/v1", "services": "/api/v1/services"}
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


class OlderKubernetes(KubeSource):
    def test_it_has_no_service_cidrs(self):
        """An API server of today does not start without."""
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


if __name__ == "__main__":
    unittest.main()
