# SPDX-License-Identifier: Apache-2.0
"""Rules of the opening, segment by segment: what a client may send before its hello is complete, and what it gets."""

from contextlib import contextmanager

from harness import Case, Counting, eventually, host_of, main
from harness.hello import made
from harness.packets import ACK, FIN, PSH, RST, SYN
from harness.station import Conversation, Station

NAME = host_of("b1")
SEGMENT = 1000


class RulesOfTheOpening(Case):
    echo = True
    backends = 1
    flags = ("--closing-time", "1s")

    @contextmanager
    def conversation(self, family):
        station = Station(self.client, family)
        try:
            yield Conversation(station, self.target(family))
        finally:
            station.close()

    def served(self, conversation, hello):
        """The endpoint got exactly this hello: it comes back."""
        conversation.seq = (conversation.isn + 1 + len(hello)) % (1 << 32)
        self.assertEqual(conversation.data(len(hello)), hello)
        conversation.abort()

    def test_rule_01_reordered_opening_is_not_reset(self):
        """The third ACK and the first segment are lost: the second one, arriving first, draws no RST."""
        hello = made(NAME, before=1500)
        for family in self.each_family():
            with self.conversation(family) as conversation, Counting(self.agent) as counted:
                conversation.syn()
                conversation.send(ACK | PSH, hello[SEGMENT:], at=SEGMENT)
                eventually(lambda: counted["hello_gap"] == 1, "the later segment is seen")
                self.assertEqual(conversation.received(), [])
                conversation.send(ACK, hello[:SEGMENT], at=0)
                conversation.send(ACK | PSH, hello[SEGMENT:], at=SEGMENT)
                self.served(conversation, hello)
                self.assertEqual(counted["rst_sent"], 0)

    def test_rule_01_foreign_ack_is_reset_and_the_resets_are_limited(self):
        """A segment of no connection, with a number that is no cookie of ours."""
        for family in self.each_family():
            with self.conversation(family) as conversation, Counting(self.agent) as counted:
                conversation.ack = 0x55aa0000
                resets = []

                def provoke():
                    conversation.send(ACK)
                    resets.extend(conversation.received())
                    return resets

                eventually(provoke, "a RST, once the limit allows one again")
                for _ in range(2000):
                    provoke()
                eventually(lambda: resets.extend(conversation.received()) or len(resets) == counted["rst_sent"], "all RSTs arrived")
                self.assertEqual({(s.flags & RST, s.seq) for s in resets}, {(RST, conversation.ack)})
                self.assertGreater(counted["unknown_flow_limited"], 0)

    def test_rule_02_connect_then_close_is_answered(self):
        for family in self.each_family():
            with self.conversation(family) as conversation, Counting(self.agent) as counted:
                conversation.open()
                fin = conversation.send(FIN | ACK)
                reset = conversation.expect_reset()
                self.assertIn(reset.ack if reset.flags & ACK else fin.end, (fin.seq, fin.end))
                self.assertEqual(counted["closed_before_hello"], 1)

    def test_rule_02_close_within_the_hello_is_answered(self):
        for family in self.each_family():
            with self.conversation(family) as conversation, Counting(self.agent) as counted:
                conversation.open()
                conversation.send(FIN | PSH | ACK, made(NAME)[:40])
                conversation.expect_reset()
                self.assertEqual(counted["closed_before_hello"], 1)

    def test_rule_02_keepalive_probe_before_the_hello_gets_a_bare_ack(self):
        hello = made(NAME)
        for family in self.each_family():
            with self.conversation(family) as conversation, Counting(self.agent) as counted:
                conversation.open()
                for payload in b"", b"\0":  # both shapes of RFC 9293 3.8.4
                    conversation.send(ACK, payload, at=-1)
                    answer = conversation.receive(what="answer to the probe")
                    self.assertEqual((answer.flags, answer.payload, answer.seq, answer.ack),
                                     (ACK, b"", conversation.ack, conversation.isn + 1))
                self.assertEqual(counted["keepalive_answered"], 2)
                conversation.push(hello)
                self.served(conversation, hello)

    def test_rule_10_hello_segment_with_a_bad_checksum_is_dropped(self):
        hello = made(NAME)
        for family in self.each_family():
            with self.conversation(family) as conversation, Counting(self.agent) as counted:
                conversation.open()
                conversation.send(ACK | PSH, hello, at=0, bad_checksum=True)
                eventually(lambda: counted["bad_checksum"] == 1, "it is counted")
                self.assertEqual(conversation.received(), [])
                self.assertEqual(counted["endpoint_syn"], 0)
                conversation.push(hello)
                self.served(conversation, hello)

    def test_rule_11_syn_with_options_we_do_not_negotiate_is_served(self):
        """MPTCP, TFO with data, MD5, ECN, AccECN: none is agreed to, all connect. More of them: offers_test.py."""
        hello = made(NAME)
        mptcp, fast_open, md5 = b"\x1e\x0c\x01\x81" + bytes(8), b"\x22\x02\x01\x01", b"\x13\x12" + bytes(16) + b"\x01\x01"
        ece, cwr, ae = 0x40, 0x80, 0x100
        for family in self.each_family():
            for flags, options, payload in ((SYN, mptcp, b""), (SYN, fast_open, b"early"), (SYN, md5, b""),
                                            (SYN | ece | cwr, b"", b""), (SYN | ece | cwr | ae, b"", b"")):
                with self.conversation(family) as conversation:
                    conversation.station.send(conversation.segment(flags, payload, options=b"\x02\x04\x05\xb4" + options))
                    conversation.seq += 1
                    answer = conversation.receive(what="SYN-ACK")
                    self.assertEqual((answer.flags, answer.ack), (SYN | ACK, conversation.seq))
                    conversation.ack = answer.end
                    conversation.send(ACK)
                    conversation.push(hello)
                    self.served(conversation, hello)

    def test_rule_15_eight_segments_in_any_order_with_duplicates(self):
        hello = made(NAME, before=7500)
        size = -(-len(hello) // 8)
        parts = [(at, hello[at:at + size]) for at in range(0, len(hello), size)]
        self.assertEqual(len(parts), 8)
        orders = {"forward": parts, "reverse": parts[::-1], "odd first": parts[1::2] + parts[::2]}
        for family in self.each_family():
            for name, order in orders.items():
                with self.subTest(order=name), self.conversation(family) as conversation, Counting(self.agent) as counted:
                    conversation.open()
                    for at, part in order[:-1]:
                        conversation.send(ACK, part, at=at)
                    conversation.send(ACK, order[2][1], at=order[2][0])  # a duplicate
                    conversation.send(ACK | PSH, order[-1][1], at=order[-1][0])
                    self.served(conversation, hello)
                    self.assertEqual(counted["hello_stalled"] + counted["hello_too_big"], 0)

    def test_rule_15_overlapping_segments(self):
        hello = made(NAME, before=1000)
        for family in self.each_family():
            with self.conversation(family) as conversation:
                conversation.open()
                for begin, end in (100, 700), (600, len(hello)), (0, 300):
                    conversation.send(ACK | PSH, hello[begin:end], at=begin)
                self.served(conversation, hello)

    def test_rule_15_hello_that_never_completes_is_refused(self):
        for family in self.each_family():
            with self.conversation(family) as conversation, Counting(self.agent) as counted:
                conversation.open()
                for _ in range(4):
                    conversation.send(ACK | PSH, made(NAME, before=300)[:200], at=0)
                conversation.expect_reset()
                self.assertEqual(counted["hello_stalled"], 1)


if __name__ == "__main__":
    main()
