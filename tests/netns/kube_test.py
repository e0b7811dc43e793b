# SPDX-License-Identifier: Apache-2.0
"""The agent follows an API server: what it holds is served, and goes on being served while it is away."""

from harness import FAMILIES, Case, eventually, host_of, main
from harness.clients import curl
from harness.kube_slipgated import KubeSlipgated

KINDS = ("GatewayClass", "Gateway", "ListenerSet", "TLSRoute", "ReferenceGrant", "Service", "EndpointSlice", "Namespace", "Node",
         "ServiceCIDR", "CustomResourceDefinition")


class Kube(Case):
    agent_type = KubeSlipgated

    def answer(self, backend, family):
        return curl(self.client, self.target(family), host_of(backend)).stdout

    def check_connections(self):
        for family in self.each_family():
            for backend in self.network.backends:
                self.assertEqual(self.answer(backend, family), f"{backend}\n")

    def move_b1(self, backend):
        """The endpoint of Service b1 is another backend now."""
        self.write_backend("b1", [self.network.backends[backend]])

    def wait_for_b1(self, backend):
        for family in FAMILIES:
            eventually(lambda: self.answer("b1", family) == f"{backend}\n", f"b1 is served by {backend}")

    def wait_until_all_are_followed_but(self, *kinds):
        """By the metric, which has a line for each kind."""
        wanted = {kind: float(kind not in kinds) for kind in KINDS}
        eventually(lambda: self.agent.metrics("slipgate_source_followed", "kind") == wanted, f"/metrics says {wanted}")

    def test_what_the_api_server_holds_is_served_and_followed(self):
        self.check_connections()
        self.addCleanup(lambda: (self.move_b1(0), self.wait_for_b1("b1")))
        self.move_b1(1)
        self.wait_for_b1("b2")
        self.assertEqual(self.agent.conditions("TLSRoute", "b1")["gateway", "Accepted"]["status"], "True")

    def test_an_api_server_that_goes_away_takes_nothing_along(self):
        before = self.agent.tables()
        self.agent.api.stop()
        self.check_connections()
        self.assertTrue(self.agent.ready())
        self.addCleanup(lambda: (self.move_b1(0), self.wait_for_b1("b1")))
        self.move_b1(1)
        self.assertEqual(self.agent.tables(), before)
        self.agent.start_api()
        self.wait_for_b1("b2")

    def test_an_agent_that_starts_without_its_api_server_leaves_the_maps_as_they_are(self):
        before = self.agent.tables()
        self.agent.api.stop()
        self.agent.kill()
        self.agent.launch()
        status, text = eventually(lambda: self.agent.get("/readyz"), "the agent answers")
        self.assertEqual(status, 503)
        self.assertIn("not all objects were read yet: GatewayClass", text)
        self.check_connections()
        self.assertEqual(self.agent.tables(), before)
        self.agent.start_api()
        eventually(self.agent.ready, "the agent is ready")
        self.assertEqual(self.agent.tables(), before, "nothing was different")
        self.check_connections()

    def test_nothing_changes_before_every_kind_was_read(self):
        """Without endpoints, everything would be refused."""
        before = self.agent.tables()
        self.agent.kill()
        self.agent.api.forbidden.add(("endpointslices", "list"))
        self.addCleanup(self.agent.api.forbidden.clear)
        self.agent.launch()
        eventually(lambda: "RBAC does not allow to list endpointslices" in (self.agent.get("/readyz") or ("", ""))[1],
                   "what is missing is named")
        self.wait_until_all_are_followed_but("EndpointSlice")
        self.assertEqual(self.agent.tables(), before)
        self.check_connections()
        self.agent.api.forbidden.clear()
        eventually(self.agent.ready, "the agent is ready")
        self.assertEqual(self.agent.tables(), before)
        self.wait_until_all_are_followed_but()


if __name__ == "__main__":
    main()
