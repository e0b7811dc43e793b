# SPDX-License-Identifier: Apache-2.0
"""Changes under traffic: connections of the Service `steady`, new ones and one that lives, notice nothing of all the others."""

import json

from harness import eventually, main, manifests
from harness.clients import peer_name
from harness.kube import PATIENCE, ServedCase
from harness.kube.traffic import Traffic
from harness.topology import V4, V6

MANY = 1000
BURST = {"burst": "yes"}  # label of many routes


class Changes(ServedCase):
    def setUp(self):
        self.one, self.other = self.network.backends
        self.apply(*manifests.backend("steady", self.one.address.values()))
        self.route("steady")
        self.expect("steady", self.one)

    def traffic(self):
        return Traffic(lambda: self.connect("steady"))

    def move(self, name, host):
        """All endpoints of a Service are that host."""
        self.kubectl.apply(*manifests.endpoint_slices(name, host.address.values()))

    def names(self):
        """{hostname: entries of the map of names}"""
        found = {}
        for entry in self.agent.dump("names"):
            found.setdefault(entry["value"]["hostname"], []).append(entry)
        return found

    def test_a_grant_is_added_and_revoked(self):
        self.kubectl("create", "namespace", "shop")
        self.addCleanup(self.kubectl, "delete", "namespace", "shop", "--wait=false")
        self.kubectl.apply(*manifests.backend("web", self.other.address.values(), namespace="shop"))
        self.route("web", {"shop/web": 1})
        with self.traffic():
            self.expect("web")
            self.kubectl.apply(manifests.reference_grant("shop"))
            self.expect("web", self.other)
            live = [self.connect("web", family) for family in (V4, V6)]
            self.kubectl("delete", "referencegrant", "routes", "--namespace", "shop")
            self.expect("web")
            for session in live:
                self.assertEqual(peer_name(session), self.other.name)
                session.sendall(b"still here?")
                self.assertEqual(session.recv(100), b"still here?")
                session.close()

    def test_broken_routes_beside_good_ones_change_nothing_for_them(self):
        before = self.names()["steady.example.com"]
        broken = [manifests.tls_route("no-service", ["a.example.com"], {"missing": 1}),
                  manifests.tls_route("no-grant", ["b.example.com"], {"kube-system/missing": 1}),
                  manifests.tls_route("no-parent", ["c.example.com"], {"steady": 1}, "missing"),
                  manifests.tls_route("no-section", ["d.example.com"], {"steady": 1}),
                  manifests.tls_route("no-kind", ["e.example.com"], {"steady": 1}),
                  manifests.tls_route("no-weight", ["f.example.com"], {"steady": 0}),
                  manifests.tls_route("younger", ["steady.example.com"], {"missing": 1})]
        broken[3]["spec"]["parentRefs"][0]["sectionName"] = "missing"
        broken[4]["spec"]["rules"][0]["backendRefs"][0] |= {"group": "example.com", "kind": "Database"}
        with self.traffic():
            self.apply(*broken)
            self.route("after", {"steady": 1})
            self.expect("after", self.one)  # all before it was read
            self.assertEqual(self.names()["steady.example.com"], before)
            for name in "a", "b", "c", "d", "e", "f":
                self.expect(name)

    def test_many_routes_in_a_burst_leave_nothing_behind(self):
        tables = "vips", "names", "route_names", "backend_names"
        before = {table: self.agent.dump(table) for table in tables}
        routes = [manifests.tls_route(f"burst-{n}", [f"burst-{n}.example.com"], {"steady": 1}) for n in range(MANY)]
        for route in routes:
            route["metadata"]["labels"] = BURST
        every = json.dumps({"apiVersion": "v1", "kind": "List", "items": routes})
        with self.traffic():
            self.kubectl("create", "--filename", "-", input=every)
            eventually(lambda: len(self.names()) == MANY + 1, "all of them are in the maps", PATIENCE)
            self.expect(f"burst-{MANY - 1}", self.one)
            self.kubectl("delete", "tlsroutes", "--selector", "burst=yes", "--wait=false")
            eventually(lambda: {table: self.agent.dump(table) for table in tables} == before, "nothing is left", PATIENCE)

    def test_the_api_server_ends_and_things_change_before_it_is_followed_again(self):
        self.apply(*manifests.backend("web", self.one.address.values()))
        self.route("web")
        self.route("going", {"web": 1})
        self.expect("going", self.one)
        with self.traffic():
            self.control_plane.kill_api_server()
            self.wait_until_followed(False)
            self.expect("web", self.one)
            self.while_it_sleeps(self.control_plane.start_api_server, self.change)
            self.expect_changed()

    def test_the_past_of_a_watch_is_compacted_away(self):
        """The watches go on from a revision that etcd does not have any more (410): all is listed again."""
        self.apply(*manifests.backend("web", self.one.address.values()))
        self.route("web")
        self.route("going", {"web": 1})
        self.expect("going", self.one)
        logged = len(self.agent.log.read_text())
        with self.traffic():
            self.while_it_sleeps(self.restart_api_server, self.change,  # its watches ended before that
                                 self.control_plane.kill_api_server, self.control_plane.compact,
                                 self.control_plane.start_api_server)
            self.expect_changed()
        eventually(lambda: "410 too old resource version" in self.agent.log.read_text()[logged:], "such was the answer", PATIENCE)

    def while_it_sleeps(self, *actions):
        """The agent, stopped, misses all of them."""
        self.agent.stop()
        try:
            for action in actions:
                action()
        finally:
            self.agent.resume()

    def restart_api_server(self):
        self.control_plane.kill_api_server()
        self.control_plane.start_api_server()

    def change(self):
        self.move("web", self.other)
        self.kubectl("delete", "tlsroute", "going")
        self.route("new", {"web": 1})

    def expect_changed(self):
        self.expect("new", self.other)
        self.expect("web", self.other)
        self.expect("going")
        self.wait_until_followed(True)

    def wait_until_followed(self, is_followed):
        wanted = {float(is_followed)}
        eventually(lambda: set(self.agent.metrics("slipgate_source_followed", "kind").values()) == wanted,
                   f"every kind is followed: {is_followed}", PATIENCE)


if __name__ == "__main__":
    main()
