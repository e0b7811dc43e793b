# SPDX-License-Identifier: Apache-2.0
"""A test of ControlPlane. Pods without a kubelet: the EndpointSlices of their Service say of each what the test said."""

from harness import FAMILIES
from harness.kube import Pod, add_node

READY = {"ready": True, "serving": True, "terminating": False}
NOT_READY = {"ready": False, "serving": False, "terminating": False}
LEAVING = {"ready": False, "serving": True, "terminating": True}


class Pods:
    def make_service(self):
        add_node(self.kubectl, "node1", ["192.0.2.1"], zone="a")
        self.kubectl.apply({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
            "spec": {"selector": {"app": "web"}, "ipFamilyPolicy": "RequireDualStack",
                     "ports": [{"name": "tls", "port": 443, "targetPort": "tls"}]}})

    def test_conditions_and_places_of_endpoints_are_those_of_the_pods(self):
        self.make_service()
        one, other = (Pod(self.kubectl, host, {"app": "web"}) for host in self.network.backends)
        self.expect({one: READY, other: READY})
        other.set_ready(False)
        self.expect({one: READY, other: NOT_READY})
        other.set_ready(True)
        one.terminate()
        self.expect({one: LEAVING, other: READY})
        one.gone()
        self.expect({other: READY})
        other.gone()
        self.expect({})

    def expect(self, pods):
        """The slices hold these pods, each once at each of its addresses, with these conditions."""
        hosts = {host.name: host for host in self.network.backends}
        wanted = {hosts[pod.name].address[family]: conditions | {"node": "node1", "zone": "a", "ports": [("tls", 8443)]}
                  for pod, conditions in pods.items() for family in FAMILIES}
        self.kubectl.eventually(lambda slices: self.endpoints(slices["items"]) == wanted, f"endpoints are {wanted}",
                                "endpointslices", "--selector", "kubernetes.io/service-name=web")

    @staticmethod
    def endpoints(slices):
        """{address: its conditions, place and ports}"""
        found = {}
        for item in slices:
            ports = [(port["name"], port["port"]) for port in item["ports"] or ()]
            for endpoint in item["endpoints"] or ():
                place = {"node": endpoint["nodeName"], "zone": endpoint["zone"], "ports": ports}
                found |= {address: endpoint["conditions"] | place for address in endpoint["addresses"]}
        return found
