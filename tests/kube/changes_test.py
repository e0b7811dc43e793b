# SPDX-License-Identifier: Apache-2.0
"""Changes under traffic: connections of the Service `steady`, new ones and one that lives, notice nothing of all the others."""

import json

from harness import eventually, main, manifests
from harness.clients import peer_name
from harness.kube import PATIENCE, ServedCase
from harness.kube.traffic import Traffic
from harness.topology import V4, V6
from namespace_labels import NamespaceLabels

MANY = 1000
BURST = {"burst": "yes"}  # label of many routes


class Changes(NamespaceLabels, ServedCase):
    def setUp(self):
        self.one, self.other = self.network.backends
        self.serve("steady", self.one)

    def traffic(self):
        return Traffic(lambda: self.connect("steady"))

    def names(self):
        """{hostname: entries of the map of names}"""
        found = {}
        for entry in self.agent.dump("names"):
            found.setdefault(entry["value"]["hostname"], []).append(entry)
        return found

    def test_a_grant_is_added_and_revoked(self):
        self.kubectl("create", "namespace", "shop")
        self.addCleanup(self.kubectl, "delete", "namespace", "shop")
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
                self.expect_alive(session)
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
            eventually(lambda: self.accepted_of_the_burst() == MANY, "each has its status", PATIENCE)
            self.wait_for_attached(MANY + 1)
            self.agent.kill()  # whatever it lists comes in several pages now
            self.agent.start()
            self.assertEqual(len(self.names()), MANY + 1)
            self.kubectl("delete", "tlsroutes", "--selector", "burst=yes", "--wait=false")
            eventually(lambda: {table: self.agent.dump(table) for table in tables} == before, "nothing is left", PATIENCE)
            self.wait_for_attached(1)

    def accepted_of_the_burst(self):
        """How many of its routes are accepted, with all references resolved, for their generation."""
        routes = self.kubectl.json("get", "tlsroutes", "--selector", "burst=yes")["items"]
        wanted = [("Accepted", "True", 1), ("ResolvedRefs", "True", 1)]
        return sum([(c["type"], c["status"], c["observedGeneration"]) for entry in route.get("status", {}).get("parents", [])
                    for c in entry["conditions"]] == wanted for route in routes)

    def wait_for_attached(self, routes):
        """As the Gateway's listener counts them."""
        self.kubectl.eventually(lambda item: item["status"]["listeners"][0]["attachedRoutes"] == routes, f"{routes} are attached",
                                "gateway/gateway")


if __name__ == "__main__":
    main()
