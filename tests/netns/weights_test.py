# SPDX-License-Identifier: Apache-2.0
"""
Weights are shares of TLS connections. A count outside of what the binomial distribution allows at p = 10^-6 is a defect; a
correct implementation fails a run of this file about once in 10^5.
"""

import struct
from concurrent.futures import ThreadPoolExecutor
from fractions import Fraction

from harness import FAMILIES, Case, Counting, eventually, main, manifests
from harness.binomial import bounds
from harness.bpf_arrays import array_entries
from harness.clients import connect, peer_name, tls_context

CONNECTIONS, AT_A_TIME = 1500, 4  # of each family
NAME = "weights.wild.example.com"  # every backend has a certificate for it
INVALID = 0xffffffff  # SG_BACKEND_INVALID of abi.h


class Weights(Case):
    tls_echo = True
    backends = 3
    flags = ("--closing-time", "1s")

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.context = tls_context(cls.certificates.values())

    def ask(self, family):
        """The backend that answered, by its verified certificate; "refused" for a RST."""
        connection = connect(self.client, self.target(family))
        try:
            with self.context.wrap_socket(connection, server_hostname=NAME) as session:
                session.sendall(b"?")
                self.assertEqual(session.recv(1), b"?")
                return peer_name(session)
        except ConnectionResetError:
            return "refused"

    def publish(self, weights):
        """The route with these weights ({service: weight}) is in the maps when this returns."""
        self.agent.folder.write("weighted", [manifests.tls_route("weighted", [NAME], weights)])
        eventually(lambda: self.in_the_maps() == {s: w for s, w in weights.items() if w}, "the new weights are in the maps")

    def in_the_maps(self):
        """{service: weight} of the route, without those of weight 0; None while the name is not there for both families."""
        routes = [entry["value"]["route"] for entry in self.agent.dump("names") if entry["value"]["hostname"] == NAME]
        if len(routes) < len(FAMILIES):
            return None
        route = array_entries(self.agent.pins / "routes")[routes[0]]
        first, count, _ = struct.unpack("=IHH", bytes.fromhex(route))  # union sg_range
        services = {entry["key"]: entry["value"]["text"] for entry in self.agent.dump("backend_names")}
        services = {key: text.removeprefix("default/").removesuffix(":443") for key, text in services.items()} | {INVALID: "missing"}
        weights, before = array_entries(self.agent.pins / "weights"), 0
        shares = {}
        for index in range(first, first + count):
            running_total, backend = struct.unpack("=II", bytes.fromhex(weights[index]))  # struct sg_weight
            shares[services.get(backend)] = running_total - before
            before = running_total
        return {service: weight for service, weight in shares.items() if weight}

    def check(self, weights):
        self.publish(weights)
        total = sum(weights.values())
        for family in self.each_family():
            with ThreadPoolExecutor(AT_A_TIME) as pool:
                answers = list(pool.map(self.ask, [family] * CONNECTIONS))
            for service, weight in weights.items():
                answer = service if service != "missing" else "refused"
                count = answers.count(answer)
                least, greatest = bounds(CONNECTIONS, Fraction(weight, total))
                self.assertGreaterEqual(count, least, answer)
                self.assertLessEqual(count, greatest, answer)
            self.assertEqual(set(answers), {s if s != "missing" else "refused" for s, w in weights.items() if w})

    def test_the_bound_itself(self):
        """Some 5 standard deviations (of sqrt(1500 * 0.9 * 0.1) = 11.6) around the mean; none for what is certain."""
        least, greatest = bounds(CONNECTIONS, Fraction(9, 10))
        self.assertTrue(1250 < least < 1350 < greatest < 1430, (least, greatest))
        self.assertEqual(bounds(CONNECTIONS, Fraction(0)), (0, 0))
        self.assertEqual(bounds(CONNECTIONS, Fraction(1)), (CONNECTIONS, CONNECTIONS))

    def test_90_10(self):
        self.check({"b1": 90, "b2": 10})

    def test_1_1_1(self):
        self.check({"b1": 1, "b2": 1, "b3": 1})

    def test_0_1(self):
        self.check({"b1": 0, "b2": 1})

    def test_an_invalid_backend_ref_keeps_its_share(self):
        """A backendRef to a Service that does not exist: its share is refused, not given to the others."""
        with Counting(self.agent) as counted:
            self.check({"b1": 3, "missing": 1})
            eventually(lambda: len(self.agent.access_log(event="refused", reason="no_backend", sni=NAME)) == counted["no_backend"],
                       "a line in the log for each refusal")
            self.assertEqual(counted["established"] + counted["no_backend"], CONNECTIONS * len(FAMILIES))


if __name__ == "__main__":
    main()
