# SPDX-License-Identifier: Apache-2.0
"""The data path does not need the agent: killed, restarted, stopped, it leaves every connection and the maps as they are."""

import errno
import json
import re
import subprocess

from harness import FAMILIES, Case, eventually, host_of, main, manifests
from harness.clients import connect, curl
from harness.download import Download
from harness.nginx import make_file
from harness.sandbox import WORK

SIZE = 512 << 20
ESTABLISHED = 2  # enum sg_flow_state


class Agent(Case):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sum = make_file("long", SIZE)

    def established(self):
        """Those of connections that have ended stay for a while, and go at any time."""
        return [entry for entry in self.agent.flows() if entry["value"]["flow"]["state"] == ESTABLISHED]

    def check_new_connections(self):
        for family in FAMILIES:
            for backend in self.network.backends:
                self.assertEqual(curl(self.client, self.target(family), host_of(backend)).stdout, f"{backend}\n")

    def test_kill_during_a_download_then_a_new_agent_adopts_the_maps(self):
        downloads = [Download(self.client, self.target(family), host_of("b1"), "/files/long") for family in FAMILIES]
        for download in downloads:
            self.addCleanup(download.close)
        eventually(lambda: len(self.established()) == 2 * len(downloads), "both are under way")
        ids = self.map_ids()
        self.agent.kill()
        self.check_new_connections()
        self.assertTrue(all(download.running for download in downloads), "the downloads are in their middle")
        self.agent.start()
        self.assertEqual(self.map_ids(), ids, "the same maps")
        self.assertEqual(len(self.established()), 2 * len(downloads), "with the flows in them")
        self.check_new_connections()
        self.assertTrue(all(download.running for download in downloads), "the downloads are still in their middle")
        for download in downloads:
            self.assertEqual(download.finish(), self.sum)
            download.close()
        # The new agent tells the end of connections the old one saw begin.
        eventually(lambda: len([line for line in self.agent.access_log(reason="fin") if int(line["bytes_down"]) >= SIZE]) >= 2,
                   "both downloads in the access log")

    def test_sigterm_leaves_the_data_path_serving(self):
        self.assertEqual(self.agent.terminate(), 0)
        self.check_new_connections()
        self.agent.start()
        self.check_new_connections()

    def test_restart_with_unchanged_input_writes_nothing(self):
        before = self.agent.tables()
        for stop in self.agent.kill, self.agent.terminate:
            stop()
            self.agent.start()
            self.assertEqual(self.agent.tables(), before)

    def test_change_while_the_agent_is_away_is_made_up_for(self):
        """An endpoint that moved meanwhile: the new agent's first table says so, and what is unchanged stays."""
        before = self.agent.tables()
        self.agent.kill()
        self.write_backend("b1", [self.network.backends[1]])
        self.agent.start()
        self.addCleanup(self.restore)
        for family in FAMILIES:
            self.assertEqual(curl(self.client, self.target(family), host_of("b1")).stdout, "b2\n")
        after = self.agent.tables()
        for name in "vips", "names", "routes", "route_names", "backend_names", "config":
            self.assertEqual(after[name], before[name], name)

    def restore(self):
        self.write_backend("b1", [self.network.backends[0]])
        eventually(lambda: curl(self.client, self.target(FAMILIES[0]), host_of("b1")).stdout == "b1\n", "b1 is back")

    def test_a_second_agent_on_the_same_pins_is_refused(self):
        done = self.gateway.run(self.agent.program, "--pin-dir", self.agent.pins, "--manifests", self.agent.folder.path,
                                "--status-dir", WORK / "other", "--http-address", "127.0.0.1:9471", check=False, timeout=60)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(str(self.agent.pins), done.stderr)
        self.check_new_connections()

    def test_uninstall_takes_everything_away(self):
        self.agent.terminate()
        self.agent.close()
        self.assertFalse(self.agent.pins.exists() and list(self.agent.pins.iterdir()))
        for host in self.network.clients + self.network.backends:  # no interface carries the program
            for family in FAMILIES:
                with self.assertRaises(OSError) as raised:
                    connect(host, self.target(family), timeout=5)
                self.assertEqual(raised.exception.errno, errno.ENETUNREACH, "what the gateway's own stack says of a VIP")
        self.agent.start()
        self.check_new_connections()

    def test_maps_that_cannot_be_written_are_counted_and_the_agent_lives_on(self):
        errors = "slipgate_reconcile_errors_total"
        before = self.agent.metric(errors)
        subprocess.run(["bpftool", "map", "freeze", "pinned", self.agent.pins / "names"], check=True)
        self.addCleanup(self.start_anew)
        self.agent.folder.write("route-more", [manifests.tls_route("more", ["more.example.com"], {"b1": 1})])
        self.addCleanup(self.agent.folder.remove, "route-more")
        eventually(lambda: self.agent.metric(errors) > before, "the attempt that failed is counted")
        eventually(lambda: self.agent.metric(errors) > before + 1, "it is tried again")
        eventually(lambda: re.search(r"failed, trying again.*\bnames\b", self.agent.log.read_text()), "the log names the map")
        self.assertTrue(self.agent.ready(), "what was in force still is")
        self.check_new_connections()

    def start_anew(self):
        """With new maps."""
        self.agent.terminate()
        self.agent.close()
        self.agent.start()
        self.check_new_connections()

    def map_ids(self):
        """The identity of a map in the kernel."""
        names = "flows4", "flows6", "vips", "names", "routes", "backends"
        return [json.loads(subprocess.run(["bpftool", "-j", "map", "show", "pinned", self.agent.pins / name],
                                          check=True, capture_output=True).stdout)["id"] for name in names]


if __name__ == "__main__":
    main()
