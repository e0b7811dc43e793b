# SPDX-License-Identifier: Apache-2.0
"""
The API server goes away under traffic, or the agent that writes statuses does. What changes meanwhile is followed: afterwards, or
at once if it is only the writer that is missing. Connections notice nothing.
"""

import json

from harness import eventually, main, manifests
from harness.kube import AFTER_FAILURES, PATIENCE, OtherSlipgated, ServedCase, base
from harness.kube.traffic import Traffic

LEASE = f"lease/{base.LEASE}", "--namespace", base.NAMESPACE


class Outages(ServedCase):
    def setUp(self):
        self.one, self.other = self.network.backends
        self.serve("steady", self.one)

    def test_the_api_server_ends_and_things_change_before_it_is_followed_again(self):
        self.serve("web", self.one)
        self.serve("going", self.one)
        with Traffic(lambda: self.connect("steady")):
            tables = self.agent.tables()
            self.control_plane.kill_api_server()
            self.wait_until_followed(False)
            self.expect("web", self.one)
            self.assertTrue(self.agent.ready())
            self.assertEqual(self.agent.tables(), tables)
            self.while_it_sleeps(self.control_plane.start_api_server, self.change)
            self.expect_changed()

    def test_the_past_of_a_watch_is_compacted_away(self):
        """The watches go on from a revision that etcd does not have any more (410): all is listed again."""
        self.serve("web", self.one)
        self.serve("going", self.one)
        logged = len(self.agent.log.read_text())
        with Traffic(lambda: self.connect("steady")):
            self.while_it_sleeps(self.restart_api_server, self.change,  # its watches ended before that
                                 self.control_plane.kill_api_server, self.control_plane.compact,
                                 self.control_plane.start_api_server)
            self.expect_changed()
        eventually(lambda: "410 too old resource version" in self.agent.log.read_text()[logged:], "such was the answer", PATIENCE)

    def test_an_agent_that_starts_without_its_api_server_leaves_all_as_it_is(self):
        with Traffic(lambda: self.connect("steady")):
            tables = self.agent.tables()
            self.control_plane.kill_api_server()
            self.agent.kill()
            self.agent.launch()
            status, text = eventually(lambda: self.agent.get("/readyz"), "the agent answers", PATIENCE)
            self.assertEqual(status, 503)
            self.assertIn("not all objects were read yet: GatewayClass", text)
            self.assertEqual(self.agent.tables(), tables)
            self.control_plane.start_api_server()
            eventually(self.agent.ready, "the agent is ready", AFTER_FAILURES)
            self.assertEqual(self.agent.tables(), tables, "nothing was different")

    def test_changes_are_served_while_nobody_writes_statuses(self):
        """The holder of the Lease is killed, and nobody takes over before the test says so: its Lease lasts for an hour."""
        eventually(lambda: self.agent.metric("slipgate_status_writer") == 1, "the agent writes", PATIENCE)
        self.agent.terminate()
        self.assertEqual(self.holder(), "", "it leaves the Lease to others")
        before = self.lease()["leaseTransitions"]
        other = OtherSlipgated(self.gateway, self.agent.kubeconfig)
        self.addCleanup(other.close)
        other.launch()
        eventually(lambda: self.holder().startswith(OtherSlipgated.DEVICE), "the other agent writes", PATIENCE)
        self.agent.start()
        with Traffic(lambda: self.connect("steady")):
            other.kill()
            self.assertEqual(self.lease()["leaseDurationSeconds"], 15)
            self.set_duration(3600)
            self.serve("late", self.one)
            self.apply(*manifests.endpoint_slices("steady", self.other.address.values()))
            self.expect("steady", self.other)
            self.assertTrue(self.holder().startswith(OtherSlipgated.DEVICE))
            self.assertNotIn("status", self.kubectl.json("get", "tlsroute/late"))
            self.set_duration(1)
            self.kubectl.wait_until_accepted("late")
        self.assertFalse(self.holder().startswith(OtherSlipgated.DEVICE))
        self.assertEqual(self.lease()["leaseTransitions"], before + 2, "to the other agent and back")

    def lease(self):
        return self.kubectl.json("get", *LEASE)["spec"]

    def holder(self):
        """Of the Lease, by its name."""
        return self.lease()["holderIdentity"]

    def set_duration(self, seconds):
        """For which other agents leave the Lease to its holder after they saw it renewed."""
        self.kubectl("patch", *LEASE, "--type=merge", "--patch", json.dumps({"spec": {"leaseDurationSeconds": seconds}}))

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
        self.kubectl.apply(*manifests.endpoint_slices("web", self.other.address.values()))
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
