# SPDX-License-Identifier: Apache-2.0
"""spec.trafficDistribution of a Service: the EndpointSlice controller writes the hints, and the agent follows them."""

from harness import main, manifests
from harness.kube import Pod, ServedCase, add_node

ZONE = "topology.kubernetes.io/zone"


class Distribution(ServedCase):
    """The agent is on node1 in zone a. Pods: b1 there, b2 on node2 in the same zone, b3 on node3 in zone b."""

    backends = 3

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for node, zone in ("node1", "a"), ("node2", "a"), ("node3", "b"):
            add_node(cls.kubectl, node, zone=zone)
        cls.here, cls.near, cls.far = cls.network.backends
        cls.pods = {host: Pod(cls.kubectl, host, {"app": "web"}, node=f"node{n}")
                    for n, host in enumerate(cls.network.backends, 1)}

    def serve(self, distribution=None):
        service = manifests.service("web")
        service["spec"] |= {"selector": {"app": "web"}, "ipFamilyPolicy": "RequireDualStack"}
        service["spec"]["ports"][0]["targetPort"] = "tls"
        if distribution:
            service["spec"]["trafficDistribution"] = distribution
        self.apply(service)
        self.route("web")

    def set_ready(self, host, ready):
        self.pods[host].set_ready(ready)
        if not ready:
            self.addCleanup(self.pods[host].set_ready, True)

    def test_without_it_all_endpoints_get_connections(self):
        self.serve()
        self.expect("web", self.here, self.near, self.far)

    def test_the_zone_is_preferred_and_left_when_it_is_empty(self):
        for distribution in "PreferSameZone", "PreferClose":
            with self.subTest(distribution):
                self.serve(distribution)
                self.expect("web", self.here, self.near)
        self.set_ready(self.here, False)
        self.expect("web", self.near)
        self.set_ready(self.near, False)
        self.expect("web", self.far)
        self.set_ready(self.here, True)
        self.expect("web", self.here)

    def test_the_node_is_preferred_then_its_zone(self):
        self.serve("PreferSameNode")
        self.expect("web", self.here)
        self.set_ready(self.here, False)
        self.expect("web", self.near)
        self.set_ready(self.near, False)
        self.expect("web", self.far)

    def test_a_node_that_loses_its_zone_gets_all_endpoints(self):
        self.serve("PreferSameZone")
        self.expect("web", self.here, self.near)
        self.addCleanup(self.kubectl, "label", "node", "node1", "--overwrite", f"{ZONE}=a")
        self.kubectl("label", "node", "node1", f"{ZONE}-")
        self.expect("web", self.here, self.near, self.far)

    def test_it_can_be_taken_back(self):
        self.serve("PreferSameNode")
        self.expect("web", self.here)
        self.serve()
        self.expect("web", self.here, self.near, self.far)


if __name__ == "__main__":
    main()
