# SPDX-License-Identifier: Apache-2.0
"""
What is applied with kubectl is served: TLS through the gateway to the pods, as the account of k8s/base, in one of the clusters that a
kubeconfig knows.
"""

from harness import FAMILIES, certificates, eventually, main, manifests
from harness.clients import curl
from harness.kube import PATIENCE, ClusterSlipgated, KubeCase, Pod, add_node, base
from harness.nginx import Nginx

NAME = "web.example.com"


class Traffic(KubeCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.certificates = {host: certificates.make(host.name, [NAME]) for host in cls.network.backends}
        for host, certificate in cls.certificates.items():
            cls.addClassCleanup(Nginx(host, certificate).close)
        add_node(cls.kubectl, "node1")
        account = base.install(cls.control_plane)
        flags = ["--context", account("config", "current-context").strip()]
        cls.choose_another_cluster(account)
        cls.agent = ClusterSlipgated(cls.gateway, account.kubeconfig, flags)
        cls.addClassCleanup(cls.agent.close)
        cls.agent.start()

    @staticmethod
    def choose_another_cluster(account):
        """Is where its kubectl would go from now on, but nobody is there."""
        for change in (["set-cluster", "elsewhere", "--server=https://127.0.0.1:1"], ["set-context", "elsewhere", "--cluster=elsewhere"],
                       ["use-context", "elsewhere"]):
            account("config", *change)

    def test_a_route_to_pods_that_come_and_go(self):
        one, other = self.network.backends
        first = Pod(self.kubectl, one, {"app": "web"})
        service = manifests.service("web")
        service["spec"] |= {"selector": {"app": "web"}, "ipFamilyPolicy": "RequireDualStack"}
        service["spec"]["ports"][0]["targetPort"] = "tls"
        self.kubectl.apply(manifests.gateway(self.network.vip.values()), service, manifests.tls_route("web", [NAME], {"web": 1}))
        self.expect(one)
        Pod(self.kubectl, other, {"app": "web"})
        first.terminate()
        self.expect(other)
        self.kubectl("delete", "tlsroute", "web")
        for family in FAMILIES:
            eventually(lambda: self.ask(family, other).returncode != 0, "the route is gone", PATIENCE)

    def expect(self, host):
        """Connections of either family come to that pod, whose certificate the client sees."""
        for family in FAMILIES:
            eventually(lambda: self.ask(family, host).stdout == f"{host}\n", f"{host} answers", PATIENCE)

    def ask(self, family, host):
        return curl(self.client, (self.network.vip[family], 443), NAME, "/", "--max-time", "5", check=False,
                    trust=self.certificates[host])


if __name__ == "__main__":
    main()
