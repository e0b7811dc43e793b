# SPDX-License-Identifier: Apache-2.0
"""Source mode `preserve` in the shapes of real networks (networks_test.py): who sees the client, and what becomes of the others."""

import networks_test
from harness import FAMILIES, V4, V6, Counting, eventually, main
from harness.clients import connect
from harness.hello import made
from harness.namespace import ip
from harness.shape import VIP

HERE = "node-1"
STRICT = {V4: "203.0.113.2", V6: "2001:db8:113::2"}
CLIENT = {"10.1.0.2", "fd00:1::2"}
SOON = "500ms"
TABLE = 100  # of the other node: the way of what answers through the gateway


class SeesTheClient:
    """Some pods see the client; two Gateways, one of the agent's mode `preserve`, one of mode `preserve-only`."""

    gateways = {"gateway": (VIP, None), "strict": (STRICT, "preserve-only")}
    flags = ("--source-mode", "preserve", "--node-name", HERE)
    preserved = ()  # pods that see the client

    def may_see(self, pod):
        return CLIENT if pod in self.preserved else super().may_see(pod)

    def test_no_connection_falls_back(self):
        with Counting(self.agent) as counted:
            for family in FAMILIES:
                for name in self.preserved:
                    for vips, _ in self.gateways.values():
                        self.transfer(family, name, (vips[family], 443))
            connections = len(FAMILIES) * len(self.preserved) * len(self.gateways)
            self.assertEqual((counted["preserve"], counted["preserve_fallback"], counted["preserve_foreign"]), (connections, 0, 0))


class OnThisNode(SeesTheClient):
    preserved = "pod2", "pod3"
    nodes = dict.fromkeys(preserved, HERE)

    def test_pod_is_the_client_of_its_neighbour(self):
        """On a bridge the answer goes straight to the client's port, but for the program on the endpoint's."""
        (client, seen), (_, addresses) = self.pods["pod2"], self.pods["pod3"]
        for family in FAMILIES:
            for vips, _ in self.gateways.values():
                self.seen.clear()
                self.transfer(family, "pod3", (vips[family], 443), client)
                self.assertEqual(self.seen, [(addresses[family], seen[family])])


class PreserveBehindABridge(OnThisNode, networks_test.PodsBehindABridge):
    pass


class PreserveBehindABridgeAlone(PreserveBehindABridge):
    """The program is on the bridge and not on its ports, so what a pod answers to its neighbour passes it by."""

    flags = (*PreserveBehindABridge.flags, "--interface", "uplink,cni0", "--connect-timeout", SOON)

    def test_pod_is_the_client_of_its_neighbour(self):
        client, _ = self.pods["pod2"]
        for family in FAMILIES:
            with Counting(self.agent) as counted:
                self.transfer(family, "pod3", client=client)
                self.assertEqual((counted["preserve"], counted["preserve_fallback"]), (1, 1))

    def test_preserve_only_asks_the_neighbour_in_vain(self):
        client, _ = self.pods["pod2"]
        for family in FAMILIES:
            with Counting(self.agent) as counted, connect(client, (STRICT[family], 443)) as connection:
                connection.sendall(made("pod3.example.com"))
                eventually(lambda: counted["endpoint_timeout"] > 1, "asked once more")
                self.assertEqual((counted["established"], counted["preserve_fallback"]), (0, 0))


class PreserveBehindRoutedVeths(OnThisNode, networks_test.PodsBehindRoutedVeths):
    pass


class OnAnotherNode(SeesTheClient):
    """
    The other node has a way of its own to clients, which leads nowhere here. Policy routing sends through the gateway
    what the network of pod4 answers. That of pod5 is not declared, that of pod6 is, in error.
    """

    preserved = ("pod4",)
    flags = (*SeesTheClient.flags, "--preserve-cidr", "10.4.0.0/24,fd00:4::/64,10.6.0.0/24,fd00:6::/64", "--connect-timeout", SOON)

    @classmethod
    def lay_out(cls):
        super().lay_out()
        cls.nodes = dict.fromkeys(("pod4", "pod5", "pod6"), "node-2")
        cls.pod_there(5)
        cls.pod_there(6)
        for option, network, hop in ("-4", "10.4.0.0/24", cls.hops[0][0]), ("-6", "fd00:4::/64", cls.hops[0][1]):
            ip(option, "route", "add", "blackhole", "default", "metric", 1, namespace=cls.node.name)
            ip(option, "rule", "add", "from", network, "lookup", TABLE, namespace=cls.node.name)
            ip(option, "route", "add", "default", "via", hop, "table", TABLE, namespace=cls.node.name)

    def test_network_declared_in_error_falls_back(self):
        for family in FAMILIES:
            with Counting(self.agent) as counted:
                self.transfer(family, "pod6")
                self.assertEqual((counted["preserve"], counted["preserve_fallback"]), (1, 1))

    def test_outside_the_declared_network_is_no_candidate_for_preserve_only(self):
        _, addresses = self.pods["pod5"]
        condition = self.agent.conditions("TLSRoute", "pod5")["strict", "slipgate.dev/EndpointsExcluded"]
        self.assertEqual((condition["status"], condition["reason"]), ("True", "AnswersElsewhere"))
        for family in FAMILIES:
            self.assertIn(addresses[family], condition["message"])
            with Counting(self.agent) as counted, connect(self.client, (STRICT[family], 443)) as connection:
                connection.sendall(made("pod5.example.com"))
                with self.assertRaises(ConnectionResetError):
                    connection.recv(1)
                self.assertEqual((counted["no_endpoint"], counted["endpoint_syn"]), (1, 0))
        self.assertEqual(self.agent.metric('slipgate_excluded_endpoints{reason="AnswersElsewhere"}'), len(FAMILIES))


class PreserveOtherNodeByPlainRouting(OnAnotherNode, networks_test.OtherNodeByPlainRouting):
    pass


class PreserveOtherNodeByVxlan(OnAnotherNode, networks_test.OtherNodeByVxlan):
    pass


if __name__ == "__main__":
    main()
