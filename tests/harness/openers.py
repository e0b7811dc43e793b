# SPDX-License-Identifier: Apache-2.0
"""
Many clients that open connections all the time, each one slowly: a pause after the handshake, and another one between the
two segments of its hello. At any moment some openings are at each of these steps.
"""

import asyncio
import collections
import socket
import threading

from . import hello
from .wait import PATIENCE, eventually

WORKERS = 40
PAUSES = 0.0, 0.01, 0.03, 0.08, 0.15  # seconds
# A client that was held up for longer by a loaded machine gives up. Nothing acknowledges the first segment before the
# hello is complete: after a probe and a timeout, 0.2 s each at least, its kernel has a window of one segment, sends the
# first one again and not the second, and is refused as hello_stalled.
HELD_UP = 0.3


class Openers:
    """Servers must echo. `targets`: [(address, port)], `names`: server names; every worker goes through all of them."""

    def __init__(self, client, targets, names):
        self._client, self._targets = client, targets
        self._hellos = [hello.real(name) for name in names]
        self.completed, self.held_up, self.failures = 0, 0, []
        self.at_step = collections.Counter()  # connections that wait "before the hello" or "inside the hello" now
        self._stopping = False
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()), daemon=True)
        self._thread.start()

    def more(self, count):
        """Waits until `count` connections that began from now on, or were under way, are complete."""
        wanted = self.completed + count
        eventually(lambda: self.completed >= wanted or self.failures, f"{count} more connections are complete")

    def stop(self):
        """Lets all connections come to their end."""
        self._stopping = True
        self._thread.join()

    async def _run(self):
        await asyncio.gather(*map(self._work, range(WORKERS)))

    async def _work(self, number):
        while not self._stopping:
            try:
                if await asyncio.wait_for(self._connect(number), PATIENCE):
                    self.completed += 1
                else:
                    self.held_up += 1
            except (OSError, ValueError, asyncio.TimeoutError) as error:
                self.failures.append(f"connection {number}: {error!r}")
            number += WORKERS

    async def _connect(self, number):
        loop = asyncio.get_running_loop()
        target = self._targets[number % len(self._targets)]
        message = self._hellos[number // 2 % len(self._hellos)]
        cut = 1 + number * 7919 % (len(message) - 1)
        sent = message + f"connection {number}".encode()
        with self._client.socket(socket.AF_INET6 if ":" in target[0] else socket.AF_INET) as connection:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            await loop.sock_connect(connection, target)
            await self._pause("before the hello", number)
            await loop.sock_sendall(connection, sent[:cut])
            first_sent = loop.time()
            await self._pause("inside the hello", number // 3)
            if loop.time() - first_sent > HELD_UP:
                return False
            await loop.sock_sendall(connection, sent[cut:])
            received = b""
            while len(received) < len(sent):
                part = await loop.sock_recv(connection, 1 << 16)
                if not part:
                    raise ValueError(f"ended after {len(received)} of {len(sent)} bytes")
                received += part
        if received != sent:
            raise ValueError("other bytes than were sent")
        return True

    async def _pause(self, step, number):
        self.at_step[step] += 1
        await asyncio.sleep(PAUSES[number % len(PAUSES)])
        self.at_step[step] -= 1
