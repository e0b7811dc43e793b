# SPDX-License-Identifier: Apache-2.0
"""How the program comes to an interface: as a clsact filter where there is no tcx, beside filters of others."""

from harness import FAMILIES, Case, host_of, main
from harness.bystander import Bystander
from harness.clients import connect, curl
from harness.download import Download
from harness.filters import has_clsact, programs
from harness.nginx import make_file

SIZE = 256 << 20


class AttachCase(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sum = make_file("long", SIZE)

    def tearDown(self):
        self.agent.terminate()
        self.agent.flags = type(self).flags
        self.agent.start()

    @property
    def ports(self):
        return [host.port for host in self.network.clients + self.network.backends]

    def restart(self, *flags):
        self.agent.kill()
        self.agent.flags = flags
        self.agent.start()

    def links(self):
        folder = self.agent.pins / "links"
        return sorted(pin.name for pin in folder.iterdir()) if folder.exists() else []

    def check_served(self):
        for family in FAMILIES:
            for backend in self.network.backends:
                self.assertEqual(curl(self.client, self.target(family), host_of(backend)).stdout, f"{backend}\n")

    def start_downloads(self):
        downloads = [Download(self.client, self.target(family), host_of("b1"), "/files/long") for family in FAMILIES]
        for download in downloads:
            self.addCleanup(download.close)
        return downloads

    def check_downloads(self, downloads):
        self.assertTrue(all(download.running for download in downloads), "the downloads are still in their middle")
        for download in downloads:
            self.assertEqual(download.finish(), self.sum)


class Clsact(AttachCase):
    flags = ("--attach", "clsact")

    def program_ids(self):
        return [self.gateway.run("tc", "filter", "show", "dev", port, "ingress").stdout.partition(" id ")[2].split()[0]
                for port in self.ports]

    def bystander(self, name, priority):
        other = Bystander(name)
        other.attach_clsact(self.gateway, self.client.port, priority)
        self.addCleanup(other.detach_clsact, self.gateway)
        return other

    def knock(self):
        """A connection that is not for us: to a closed port of the gateway itself."""
        with self.assertRaises(ConnectionRefusedError):
            connect(self.client, (self.client.gateway_address[FAMILIES[0]], 9))

    def test_filters_serve_without_a_link(self):
        self.check_served()
        self.assertEqual(self.links(), [])
        for port in self.ports:
            self.assertEqual(programs(self.gateway, port), ["splice"])

    def test_next_agent_replaces_the_program_under_a_download(self):
        downloads = self.start_downloads()
        ids = self.program_ids()
        self.agent.kill()
        self.check_served()
        self.agent.start()
        self.assertTrue(set(ids).isdisjoint(self.program_ids()), "another agent's program")
        for port in self.ports:
            self.assertEqual(programs(self.gateway, port), ["splice"], "in the place of the first")
        self.check_served()
        self.assertEqual(self.agent.terminate(), 0)
        self.check_served()
        self.agent.start()
        self.check_downloads(downloads)

    def test_uninstall_takes_filters_and_qdiscs_away(self):
        self.agent.terminate()
        self.agent.close()
        for port in self.ports:
            self.assertEqual(programs(self.gateway, port), [])
            self.assertFalse(has_clsact(self.gateway, port), port)
        self.agent.start()
        self.check_served()

    def test_filters_of_others_run_and_stay(self):
        port = self.client.port
        self.agent.terminate()
        self.agent.close()
        first = self.bystander("first", 1)
        self.agent.start()
        last = self.bystander("last", 2)
        self.check_served()
        for other in first, last:
            self.assertEqual(other.tcp_packets(), 0, "ours end at our program, which is before older filters of its priority")
        self.knock()
        for other in first, last:
            self.assertEqual(other.tcp_packets(), 1, "what is not ours goes on to them")
        self.restart(*self.flags)
        self.check_served()
        self.assertEqual(programs(self.gateway, port), ["splice", "bystander", "bystander"])
        self.agent.terminate()
        self.agent.close()
        self.assertEqual(programs(self.gateway, port), ["bystander", "bystander"])
        self.knock()
        for other in first, last:
            self.assertEqual(other.tcp_packets(), 2, "they run without us")
        self.agent.start()

    def test_newer_filter_of_our_priority_sees_our_packets_first(self):
        other = self.bystander("newer", 1)
        self.check_served()
        self.assertEqual(programs(self.gateway, self.client.port), ["bystander", "splice"])
        self.assertGreater(other.tcp_packets(), 0)

    def test_interface_no_longer_chosen_loses_the_filter(self):
        kept = [self.client.port, self.network.backends[0].port]
        self.restart("--attach", "clsact", "--interface", ",".join(kept))
        for port in self.ports:
            self.assertEqual(programs(self.gateway, port), ["splice"] if port in kept else [], port)
            self.assertEqual(has_clsact(self.gateway, port), port in kept, port)
        for family in FAMILIES:
            self.assertEqual(curl(self.client, self.target(family), host_of("b1")).stdout, "b1\n")

    def test_priority_that_is_taken_is_named_and_stops_nothing_else(self):
        taken = self.network.backends[1].port
        self.agent.terminate()
        self.agent.close()
        self.gateway.run("tc", "qdisc", "add", "dev", taken, "clsact")
        self.gateway.run(*f"tc filter add dev {taken} ingress prio 1 protocol ip u32 match u32 0 0 at 0".split())
        try:
            self.agent.start()
            self.assertIn(f"interface {taken}", self.agent.log.read_text())
            self.assertIn("priority 1 of clsact ingress has filters that are not BPF", self.agent.log.read_text())
            for family in FAMILIES:
                self.assertEqual(curl(self.client, self.target(family), host_of("b1")).stdout, "b1\n")
        finally:
            self.gateway.run("tc", "qdisc", "del", "dev", taken, "clsact")


class Modes(AttachCase):
    """Linux 6.6 and later have both ways; an agent of one takes over from an agent of the other."""

    def test_agents_of_all_modes_take_over_from_each_other_under_a_download(self):
        downloads = self.start_downloads()
        for mode, tcx in ("clsact", False), ("tcx", True), ("clsact", False), ("auto", True):
            self.restart("--attach", mode)
            self.assertEqual(self.links(), sorted(self.ports) if tcx else [], mode)
            for port in self.ports:
                self.assertEqual(programs(self.gateway, port), [] if tcx else ["splice"], mode)
                self.assertEqual(has_clsact(self.gateway, port), not tcx, mode)
            self.check_served()
        self.check_downloads(downloads)


if __name__ == "__main__":
    main()
