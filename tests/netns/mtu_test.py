# SPDX-License-Identifier: Apache-2.0
"""
MTUs of 1280 to 9000 on either side, near the gateway and behind routers, changed while data flows, with and without
offloads. Every transfer goes both ways at once, and every byte arrives: there is no black hole.
"""

import itertools
from contextlib import contextmanager

from harness import FAMILIES, Counting, main
from mtu_path import HELLO, LINKS, LONG_HELLO, MIB, MTUS, MtuCase

MODES = "tso", "gro", "none"
NEAR, FAR = ("uplink", "downlink"), ("near the client", "near the endpoint")

# Link, MTU before and after the first half of a transfer.
CHANGES = [
    ("uplink", 1500, 1400), ("downlink", 1500, 1400), ("near the client", 1500, 1280), ("near the endpoint", 1500, 1280),
    ("uplink", 9000, 1450), ("downlink", 9000, 1500), ("uplink", 1400, 9000), ("downlink", 1280, 1500),
]


def sides():
    """Every MTU on the client's side with every one on the endpoint's; the links they are of, offloads and family vary."""
    for (i, client), (j, endpoint) in itertools.product(enumerate(MTUS), repeat=2):
        yield client, endpoint, MODES[(i + j) % 3], (NEAR, FAR)[(i + j // 2) % 2], FAMILIES[(i // 2 + j) % 2]


class MtuDirect(MtuCase):
    direct = True
    modes_of_changes = "gro", "none"

    def lay(self, mode, mtu, **other):
        """The same MTU everywhere, but for the links in `other`."""
        self.way.offloads(mode)
        self.set((link, other.get(link, mtu)) for link in LINKS)

    def set(self, mtus):
        for link, mtu in mtus:
            self.way.mtu(link, mtu)

    @contextmanager
    def telling(self, counter):
        """The gateway has to count this, if there is one."""
        if self.direct:
            yield
            return
        with Counting(self.agent) as counted:
            yield
        self.assertGreater(counted[counter], 0, counter)

    def test_mtu_changes_while_data_flows(self):
        for mode, (link, before, after), family in itertools.product(self.modes_of_changes, CHANGES, FAMILIES):
            with self.subTest(link=link, before=before, after=after, mode=mode, family=family.name):
                self.lay(mode, before)
                # Without offloads no upload gets through any more before the gateway has told.
                must_tell = link == "downlink" and after < before and mode == "none"
                with self.telling("too_big" if must_tell else "established"):
                    self.transfer(family, 8 * MIB, lambda link=link, after=after: self.way.mtu(link, after))

    def test_way_behind_a_router_is_narrow(self):
        """The router has to tell, and the gateway to translate it: about uploads r2, about downloads r1."""
        cases = ("r1", HELLO), ("r2", HELLO), ("r2", LONG_HELLO)
        for mode, family, (router, hello) in itertools.product(MODES, FAMILIES, cases):
            with self.subTest(mode=mode, family=family.name, router=router, hello=len(hello)), self.telling("icmp_translated"):
                self.lay(mode, 1500)
                with self.way.narrowed(router, 1300):
                    self.transfer(family, 4 * MIB, hello=hello)


class Mtu(MtuDirect):
    direct = False
    modes_of_changes = MODES

    def test_rows_of_sides_hold_every_pair_of_values(self):
        rows, columns = list(sides()), (MTUS, MTUS, MODES, (NEAR, FAR), FAMILIES)
        for one, other in itertools.combinations(range(len(columns)), 2):
            met = {(row[one], row[other]) for row in rows}
            self.assertEqual(met, set(itertools.product(columns[one], columns[other])))

    def test_100_mib_each_way_with_each_mtu_on_either_side(self):
        """Half-way, the two sides exchange their MTUs: each one grows or shrinks under the data."""
        for client, endpoint, mode, links, family in sorted(sides(), key=lambda row: row[2]):
            with self.subTest(client=client, endpoint=endpoint, mode=mode, links=links, family=family.name):
                self.lay(mode, 9000, **dict(zip(links, (client, endpoint))))
                self.transfer(family, 100 * MIB, lambda ends=zip(links, (endpoint, client)): self.set(ends), LONG_HELLO)


if __name__ == "__main__":
    main()
