# SPDX-License-Identifier: Apache-2.0
"""The least that must hold on every kernel: scripts/kernel-matrix --run executes it on Debian's."""

import platform
import sys

from harness import FAMILIES, Case, host_of, main
from harness.clients import curl, tls
from harness.filters import programs
from harness.nginx import make_file, sha256
from harness.sandbox import WORK

TCX_SINCE = (6, 6)


class Splice(Case):
    @classmethod
    def setUpClass(cls):
        print("kernel", platform.release(), file=sys.stderr)
        super().setUpClass()
        cls.sum = make_file("megabytes", 8 << 20)

    def test_program_is_attached_as_this_kernel_allows(self):
        tcx = tuple(map(int, platform.release().split(".")[:2])) >= TCX_SINCE
        links = self.agent.pins / "links"
        pins = sorted(pin.name for pin in links.iterdir()) if links.exists() else []
        ports = sorted(host.port for host in self.network.clients + self.network.backends)
        self.assertEqual(pins, ports if tcx else [])
        for port in ports:
            self.assertEqual(programs(self.gateway, port), [] if tcx else ["splice"])

    def test_tls_reaches_the_backend_of_the_name(self):
        for family in self.each_family():
            for backend in self.network.backends:
                for version in ("--tlsv1.3",), ("--tls-max", "1.2"):
                    done = curl(self.client, self.target(family), host_of(backend), "/", *version,
                                trust=self.certificates[backend.name])
                    self.assertEqual(done.stdout, f"{backend}\n")

    def test_megabytes_arrive_whole(self):
        for family in self.each_family():
            copy = WORK / f"copy-{family.name}"
            curl(self.client, self.target(family), host_of("b1"), "/files/megabytes", "--output", copy)
            self.assertEqual(sha256(copy), self.sum)

    def test_connections_outlive_the_agent_and_the_next_one_adopts_them(self):
        open_ones = [tls(self.client, self.target(family), host_of("b1")) for family in FAMILIES]
        for replace in self.agent.kill, self.agent.start:
            replace()
            for family, connection in zip(FAMILIES, open_ones):
                self.assertEqual(self.ask(connection), "b1\n")
                self.assertEqual(curl(self.client, self.target(family), host_of("b2")).stdout, "b2\n")
        for connection in open_ones:
            connection.close()

    def ask(self, connection):
        connection.sendall(b"GET / HTTP/1.1\r\nHost: b1.example.com\r\n\r\n")
        answer = b""
        while not answer.endswith(b"b1\n"):
            part = connection.recv(1 << 16)
            self.assertTrue(part, f"the connection ended after {answer}")
            answer += part
        return answer.partition(b"\r\n\r\n")[2].decode()


if __name__ == "__main__":
    main()
