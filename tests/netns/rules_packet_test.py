# SPDX-License-Identifier: Apache-2.0
"""Rules of packets on established connections: odd ones are translated or dropped and counted, never left to the stack."""

from contextlib import contextmanager
from socket import IPPROTO_DSTOPTS, IPPROTO_TCP

from harness import V4, V6, Case, Counting, eventually, host_of, main
from harness.hello import made
from harness.packets import ACK, FIN, PSH, RST, SYN, fragments, ip_packet
from harness.station import Conversation, Station

HELLO = made(host_of("b1"))
FAR = 1 << 30  # outside of any window


class RulesOfThePacket(Case):
    echo = True
    backends = 1
    mtu = 9000  # for the one packet that needs it
    flags = ("--closing-time", "1s")

    def setUp(self):
        self.stack = self.gateway.snmp_when_idle()

    def tearDown(self):
        """Nothing of ours reached the gateway's own TCP."""
        after = self.gateway.snmp()
        for name in "Tcp.InSegs", "Tcp.OutSegs", "Tcp.OutRsts", "Tcp.InErrs":
            self.assertEqual(after[name], self.stack[name], name)

    @contextmanager
    def established(self, family, **options):
        station = Station(self.client, family)
        conversation = Conversation(station, self.target(family), **options)
        try:
            conversation.open()
            conversation.push(HELLO)
            self.assertEqual(conversation.data(len(HELLO)), HELLO)
            yield conversation
        finally:
            conversation.abort()
            station.close()

    def lives(self, conversation):
        conversation.push(b"still here")
        self.assertEqual(conversation.data(10), b"still here")

    def test_rule_03_fragment_of_a_flow_is_dropped_and_the_flow_lives(self):
        for family in self.each_family():
            with self.established(family) as conversation, Counting(self.agent) as counted:
                for part in fragments(conversation.segment(ACK | PSH, bytes(200)), 64):
                    conversation.station.send_packet(part)
                eventually(lambda: counted["fragment"] == 1, "the first fragment is counted")
                self.lives(conversation)

    def test_rule_03_fragmented_hello_is_dropped(self):
        for family in self.each_family():
            with self.opening(family) as conversation, Counting(self.agent) as counted:
                for part in fragments(conversation.segment(ACK | PSH, HELLO), 64):
                    conversation.station.send_packet(part)
                eventually(lambda: counted["fragment"] == 1, "the first fragment is counted")
                self.assertEqual(conversation.received(), [])

    @contextmanager
    def opening(self, family):
        station = Station(self.client, family)
        try:
            conversation = Conversation(station, self.target(family))
            conversation.open()
            yield conversation
        finally:
            station.close()

    def test_rule_03_ipv4_options_are_parsed(self):
        router_alert_and_padding = b"\x94\x04\x00\x00" + b"\x01\x01\x01\x00"
        with self.established(V4) as conversation:
            conversation.send(ACK | PSH, b"options", ip_options=router_alert_and_padding)
            self.assertEqual(conversation.data(7), b"options")
        with self.opening(V4) as conversation:
            conversation.send(ACK | PSH, HELLO, ip_options=router_alert_and_padding)
            self.assertEqual(conversation.data(len(HELLO)), HELLO)
            conversation.abort()

    def test_rule_03_ipv6_hop_by_hop_and_destination_options_are_parsed(self):
        padding = bytes([0, 1, 4, 0, 0, 0, 0])  # length 0: 8 bytes in all; PadN of 4
        for kind in 0, 60:
            with self.established(V6) as conversation:
                conversation.send(ACK | PSH, b"options", extension=(kind, padding))
                self.assertEqual(conversation.data(7), b"options")
            with self.opening(V6) as conversation:
                conversation.send(ACK | PSH, HELLO, extension=(kind, padding))
                self.assertEqual(conversation.data(len(HELLO)), HELLO)
                conversation.abort()

    def test_rule_03_tcp_header_behind_more_than_4096_bytes_is_dropped_and_the_flow_lives(self):
        padding = bytes(254 + 7 * 256)  # of a destination options header of 2,048 bytes
        with self.established(V6) as conversation, Counting(self.agent) as counted:
            segment = conversation.segment(ACK | PSH, b"unseen")
            chain = b"".join(bytes([following, 255]) + padding for following in (IPPROTO_DSTOPTS, IPPROTO_DSTOPTS, IPPROTO_TCP))
            conversation.station.send_packet(ip_packet(segment.source, segment.destination, IPPROTO_DSTOPTS, chain + segment.tcp()))
            eventually(lambda: counted["bad_header"] == 1, "the packet is counted")
            self.lives(conversation)

    def test_rule_07_syn_on_an_established_flow_of_a_live_endpoint_is_challenged(self):
        """RFC 5961 4, end to end: the endpoint answers the translated SYN with an ACK, the connection goes on."""
        for family in self.each_family():
            with self.established(family) as conversation, Counting(self.agent) as counted:
                challenges = self.network.backends[0].snmp()["TcpExt.TCPSYNChallenge"]
                conversation.station.send(conversation.segment(SYN, at=12345))
                conversation.receive(lambda s: (s.flags, s.seq, s.ack) == (ACK, conversation.ack, conversation.seq), "challenge ACK")
                self.assertEqual(self.network.backends[0].snmp()["TcpExt.TCPSYNChallenge"] - challenges, 1)
                self.assertEqual(counted["syn_on_established"], 1)
                self.lives(conversation)

    def test_rule_10_reset_outside_of_the_window_is_not_believed(self):
        """The state stays, and the flow serves."""
        for family in self.each_family():
            with self.established(family) as conversation, Counting(self.agent) as counted:
                conversation.send(RST | ACK, at=FAR)
                eventually(lambda: counted["rst_out_of_window"] == 1, "it is counted")
                self.assertEqual(self.states(conversation), {"established"})
                self.lives(conversation)

    def test_rule_10_fin_outside_of_the_window_changes_nothing(self):
        for family in self.each_family():
            with self.established(family) as conversation:
                conversation.send(FIN | ACK, at=FAR)
                self.assertEqual(self.states(conversation), {"established"})
                self.lives(conversation)
                self.assertEqual({entry["value"]["flow"]["flags"] & 2 for entry in self.entries(conversation)}, {0})

    def test_rule_10_reset_inside_the_window_closes(self):
        for family in self.each_family():
            with self.established(family) as conversation:
                conversation.send(RST | ACK)
                eventually(lambda: not self.entries(conversation), "the flow is removed")

    def test_rule_09_tuple_reused_while_closing_is_a_new_connection(self):
        """The agent proposes closing flows; what BPF finds in use again by then stays."""
        for family in self.each_family():
            port = 31000
            for isn in 0x20000000, 0x30000000, 0x40000000:
                with self.established(family, port=port, isn=isn) as conversation:
                    self.lives(conversation)
            eventually(lambda: not self.entries(conversation), "the last one is removed")

    def test_rule_12_packet_with_a_vlan_tag_is_left_to_the_vlan_device(self):
        for family in self.each_family():
            station = Station(self.client, family)
            with Counting(self.agent) as counted:
                tagged, plain = (Conversation(station, self.target(family)) for _ in range(2))
                station.send(tagged.segment(SYN, options=tagged.options), tag=7)
                plain.open()  # later on the same link: the tagged one has been judged
                self.assertEqual(counted["syn"], 1)
                self.assertEqual(tagged.received(), [])
            station.close()

    def entries(self, conversation):
        """The flow entry with the port of this conversation as its source, and its opposite direction's."""
        port = int.from_bytes(conversation.port.to_bytes(2, "big"), "little")  # __be16 as bpftool shows it
        return [e for e in self.agent.flows() if port in (e["key"]["source_port"], e["value"]["flow"]["destination_port"])]

    def states(self, conversation):
        names = {1: "connecting", 2: "established", 3: "closing", 4: "dead"}
        return {names[entry["value"]["flow"]["state"]] for entry in self.entries(conversation)}


if __name__ == "__main__":
    main()
