# SPDX-License-Identifier: Apache-2.0
"""What a TLSRoute may lead to: Services of each shape, whose endpoints come, leave and end."""

from harness import eventually, main, manifests
from harness.clients import peer_name
from harness.kube import PATIENCE, Pod, ServedCase
from harness.topology import V4, V6

SLICES = "endpointslices", "--selector", "kubernetes.io/service-name=web"


class Backends(ServedCase):
    ports = {"b2": 9443}

    def setUp(self):
        self.one, self.other = self.network.backends

    def pod(self, host, **options):
        """Its port is called tls."""
        pod = Pod(self.kubectl, host, {"app": "web"}, port=self.port_of(host), **options)
        self.addCleanup(self.kubectl, "delete", "pod", pod.name, "--force", "--grace-period=0", "--ignore-not-found")
        return pod

    def service(self, **spec):
        """Service and TLSRoute `web`; the Pods are its endpoints."""
        made = manifests.service("web")
        made["spec"]["ports"][0]["targetPort"] = "tls"
        made["spec"] |= {"selector": {"app": "web"}, "ipFamilyPolicy": "RequireDualStack"} | spec
        self.apply(made)
        self.route("web")

    def test_a_terminating_endpoint_keeps_its_connections_and_gets_no_new_ones(self):
        leaving = self.pod(self.one)
        self.service()
        self.expect("web", self.one)
        live = [self.connect("web", family) for family in (V4, V6)]
        self.pod(self.other)
        leaving.terminate()
        self.expect("web", self.other)
        for session in live:
            self.assertEqual(peer_name(session), self.one.name)
            self.expect_alive(session)
        leaving.gone()
        self.kubectl.eventually(lambda slices: self.one.address[V4] not in str(slices), "it is no endpoint any more", *SLICES)
        self.expect("web", self.other)
        for session in live:  # the server behind it goes on until it ends
            self.expect_alive(session)
            session.close()

    def test_the_last_endpoint_serves_while_it_terminates(self):
        leaving = self.pod(self.one)
        self.service()
        self.expect("web", self.one)
        leaving.terminate()
        self.kubectl.eventually(lambda slices: "'terminating': True" in str(slices), "its slices say so", *SLICES)
        self.expect("web", self.one)
        leaving.gone()
        self.expect("web")

    def test_an_endpoint_that_is_not_ready_gets_none(self):
        pod, _ = self.pod(self.one), self.pod(self.other)
        self.service()
        self.expect("web", self.one, self.other)
        pod.set_ready(False)
        self.expect("web", self.other)

    def test_not_ready_ones_that_are_published_get_theirs(self):
        self.pod(self.one, ready=False)
        self.service(publishNotReadyAddresses=True)
        self.expect("web", self.one)

    def test_a_named_port_may_be_another_number_in_each_pod(self):
        self.pod(self.one)
        self.pod(self.other)
        self.service(ipFamilyPolicy="SingleStack")
        self.kubectl.eventually(lambda slices: sorted(item["ports"][0]["port"] for item in slices["items"] if item["ports"]) == [8443, 9443],
                                "there is a slice for each number", *SLICES)
        self.expect("web", self.one, self.other, families=[V4])

    def test_a_service_of_one_family_serves_clients_of_that_family(self):
        self.pod(self.one)
        self.service(ipFamilyPolicy="SingleStack", ipFamilies=["IPv6"])
        self.expect("web", self.one, families=[V6])
        self.expect("web", families=[V4])

    def test_a_headless_service_is_like_any_other(self):
        self.pod(self.one)
        self.service(clusterIP="None")
        self.expect("web", self.one)

    def test_a_service_without_selector_has_the_endpoints_a_user_writes(self):
        self.serve("web", self.one)

    def test_an_external_name_is_refused_with_a_reason(self):
        self.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                    "spec": {"type": "ExternalName", "externalName": "www.example.org", "ports": [{"port": 443}]}})
        self.route("web")
        condition = eventually(lambda: self.agent.conditions("TLSRoute", "web").get(("gateway", "ResolvedRefs")),
                               "the route has its conditions", PATIENCE)
        self.assertEqual((condition["status"], condition["reason"]), ("False", "UnsupportedProtocol"))
        self.assertIn("Service default/web is of type ExternalName", condition["message"])
        self.expect("web")


if __name__ == "__main__":
    main()
