# SPDX-License-Identifier: Apache-2.0
"""ListenerSets of a real cluster: what they add is served, and who has a listener when two want it, under traffic."""

import json

from harness import main, manifests
from harness.kube import ServedCase
from harness.kube.traffic import Traffic
from harness.statuses import by_type


class ListenerSets(ServedCase):
    def setUp(self):
        self.one, self.other = self.network.backends
        self.serve("steady", self.one)
        for name, host in ("blue", self.one), ("green", self.other):
            self.apply(*manifests.backend(name, host.address.values(), self.port_of(host)))
        self.allow("Same")

    def allow(self, namespaces):
        """ListenerSets of these join the Gateway."""
        self.kubectl("patch", "gateway", "gateway", "--type=merge", "--patch", json.dumps(
            {"spec": {"allowedListeners": {"namespaces": {"from": namespaces}}}}))

    def listener_set(self, name, backend):
        """With a listener for team.example.com beside the Gateway's own for every name, and a route of its own to `backend`."""
        self.apply(manifests.listener_set(name, 443, "team.example.com"),
                   manifests.tls_route(name, ["team.example.com"], {backend: 1}, name, parent_kind="ListenerSet"))

    def wait_for(self, name, conditions, listener=None):
        """Of the ListenerSet, and of its listener."""
        def holds(found):
            status = found.get("status", {})
            told = by_type(status.get("conditions", []))
            listeners = by_type(status["listeners"][0]["conditions"]) if status.get("listeners") else {}
            return conditions.items() <= told.items() and (listener or {}).items() <= listeners.items()
        self.kubectl.eventually(holds, f"{name}: {conditions}", "listenerset", name)

    def test_it_is_served_while_its_gateway_lets_it(self):
        with Traffic(lambda: self.connect("steady")):
            self.listener_set("blue", "blue")
            self.wait_for("blue", {"Accepted": ("True", "Accepted"), "Programmed": ("True", "Programmed")})
            self.expect("team", self.one)
            self.allow("None")
            self.wait_for("blue", {"Accepted": ("False", "NotAllowed"), "Programmed": ("False", "NotAllowed")})
            self.expect("team")
            self.allow("Same")
            self.expect("team", self.one)

    def test_the_next_takes_over_when_the_first_goes(self):
        with Traffic(lambda: self.connect("steady")):
            self.listener_set("blue", "blue")
            self.expect("team", self.one)
            self.listener_set("green", "green")  # not older, and later in the alphabet
            self.wait_for("green", {"Accepted": ("False", "ListenersNotValid")}, {"Conflicted": ("True", "HostnameConflict")})
            self.expect("team", self.one)
            with Traffic(lambda: self.connect("team")):  # the name is served all the time
                self.kubectl("delete", "listenerset", "blue")
                self.expect("team", self.other)
            self.wait_for("green", {"Accepted": ("True", "Accepted")}, {"Accepted": ("True", "Accepted")})


if __name__ == "__main__":
    main()
