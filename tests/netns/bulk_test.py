# SPDX-License-Identifier: Apache-2.0
"""A lot at once: 1 GiB each way, 500 connections at a time, and none of it in the gateway's own TCP stack."""

import asyncio
import hashlib

from harness import SPREAD, Case, host_of, main
from harness.clients import connect, curl, tls_context
from harness.nginx import make_file, sha256
from harness.sandbox import WORK

GIBIBYTE = 1 << 30
PARALLEL = 500
PART = 1 << 18


class BulkDirect(Case):
    direct = True
    size = GIBIBYTE >> 3

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.sum = make_file("large", cls.size)
        cls.part = make_file("part", PART)

    def transfer(self, family):
        """The file down, then the copy up; both must have the sum."""
        copy = WORK / "copy"
        curl(self.client, self.target(family), host_of("b1"), "/files/large", "--output", copy, trust=self.certificates["b1"])
        self.assertEqual(sha256(copy), self.sum)
        curl(self.client, self.target(family), host_of("b1"), "/upload/large", "--upload-file", copy)
        upload = WORK / "nginx-b1/upload/large"
        self.assertEqual(sha256(upload), self.sum)
        copy.unlink()
        upload.unlink()

    def test_a_large_file_down_and_up_has_equal_sha256(self):
        for family in self.each_family():
            self.transfer(family)

    def test_500_connections_at_a_time(self):
        for family in self.each_family():
            sums = asyncio.run(self.ask_all(family))
            self.assertEqual(sums, [self.part] * PARALLEL)

    async def ask_all(self, family):
        everyone_connected = asyncio.Event()
        open_ = []

        async def ask():
            # The kernel's connect, so that the socket belongs to the client's namespace.
            connection = await asyncio.to_thread(connect, self.client, self.target(family))
            connection.setblocking(False)
            reader, writer = await asyncio.open_connection(
                sock=connection, ssl=tls_context(), server_hostname=SPREAD, limit=1 << 20)
            open_.append(writer)
            if len(open_) == PARALLEL:
                everyone_connected.set()
            await everyone_connected.wait()
            writer.write(f"GET /files/part HTTP/1.0\r\nHost: {SPREAD}\r\n\r\n".encode())
            body = (await reader.read()).partition(b"\r\n\r\n")[2]
            writer.close()
            return hashlib.sha256(body).hexdigest()

        return await asyncio.gather(*(ask() for _ in range(PARALLEL)))


class Bulk(BulkDirect):
    direct = False
    size = GIBIBYTE

    def transfer(self, family):
        """The stream is not seen by the gateway's own stack: its counters stand still, no socket knows the client."""
        before = self.gateway.snmp_when_idle()
        super().transfer(family)
        after = self.gateway.snmp()
        for name in "Tcp.InSegs", "Tcp.OutSegs", "Tcp.OutRsts", "Ip.ForwDatagrams", "Ip6OutForwDatagrams":
            self.assertEqual(after[name], before[name], name)
        self.assertNotIn(self.client.address[family], self.gateway.run("ss", "-Htan").stdout)


if __name__ == "__main__":
    main()
