# SPDX-License-Identifier: Apache-2.0
"""
Many short connections at the same time, each one the same dialogue: a ClientHello in two segments, a burst down, a rest, a
burst up, FIN, the sum of all the server got, FIN. Every byte is checked at both ends. One thread serves all of them.
"""

import asyncio
import collections
import hashlib
import socket
from dataclasses import dataclass, field

from .hello import made

SEGMENT = 1000  # bytes: one write, one segment
CUT = 1200  # of the hello; the server name is behind it
DOWN, UP = 16, 20  # segments: enough for 20 packets in either direction, whatever is merged

REST = 4  # seconds: a connection at rest is not over, whatever the last packet looked like

COMPLETE, RESET, SHORT, WRONG, SILENT = "complete", "reset", "short", "wrong bytes", "silent"


@dataclass
class Call:
    """One connection to make. `name` is its server name; names of one run have one length and none occurs twice."""

    name: str
    family: int
    source: tuple  # (address, port)
    target: tuple
    client: str = ""  # how it ended: one of the words above
    server: str = field(default=SILENT)  # SILENT: never accepted, or without a word

    @property
    def outcome(self):
        return self.client, self.server


def _hello(name):
    return made(name, before=CUT)


def _stream(name, segments):
    """Bytes of which no two calls and no two segments have the same."""
    return b"".join(hashlib.sha256(f"{name} {n}".encode()).digest() * (SEGMENT // 32 + 1) for n in range(segments))


class Dialogues:
    def __init__(self, client, server, ports, patience=60):
        """Namespaces of both ends; the ports where the server listens. `patience`: seconds for one dialogue."""
        self._client, self._patience = client, patience
        self._calls = {}
        self._tasks = set()
        self._listeners = []
        for port in ports:
            listener = server.socket(socket.AF_INET6)
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(("::", port))
            listener.listen()
            listener.setblocking(False)
            self._listeners.append(listener)

    def run(self, calls, per_second=300):
        """Makes the calls, so many a second, and says in each how it ended. Returns {outcome: number}."""
        self._calls = {_hello(call.name): call for call in calls}
        asyncio.run(self._run(calls, per_second))
        return dict(collections.Counter(call.outcome for call in calls))

    def close(self):
        for listener in self._listeners:
            listener.close()

    async def _run(self, calls, per_second):
        loop = asyncio.get_running_loop()
        for listener in self._listeners:
            loop.add_reader(listener, self._accept, listener)
        begin = loop.time()
        clients = []
        for number, call in enumerate(calls):
            await asyncio.sleep(begin + number / per_second - loop.time())
            clients.append(loop.create_task(self._call(call)))
        await asyncio.gather(*clients)
        await asyncio.gather(*self._tasks)
        for listener in self._listeners:
            loop.remove_reader(listener)

    async def _call(self, call):
        with self._client.socket(call.family) as connection:
            connection.setblocking(False)
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.bind(call.source)
            call.client = await self._ended(_client(connection, call))

    def _accept(self, listener):
        try:
            connection, _ = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        task = asyncio.get_running_loop().create_task(self._serve(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, connection):
        with connection:
            connection.setblocking(False)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            found = []
            outcome = await self._ended(self._server(connection, found))
            for call in found:
                call.server = outcome

    async def _ended(self, dialogue):
        try:
            return await asyncio.wait_for(dialogue, self._patience)
        except TimeoutError:
            return SILENT
        except ConnectionError:
            return RESET
        except OSError as error:
            return error.strerror

    async def _server(self, connection, found):
        """`found`: gets the call as soon as it is known which one this is."""
        size = len(next(iter(self._calls)))
        hello = await _read(connection, size)
        if len(hello) < size:
            return SHORT
        call = self._calls.get(hello)
        if not call:
            return WRONG
        found.append(call)
        await _write(connection, _stream(call.name, DOWN))
        up = await _read(connection, 1 << 20)
        await _write(connection, hashlib.sha256(up).digest())
        connection.shutdown(socket.SHUT_WR)
        return COMPLETE if up == _stream(call.name, UP) else WRONG


async def _client(connection, call):
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, call.target)
    hello = _hello(call.name)
    await loop.sock_sendall(connection, hello[:CUT])
    await loop.sock_sendall(connection, hello[CUT:])
    wanted, up = _stream(call.name, DOWN), _stream(call.name, UP)
    down = await _read(connection, len(wanted))
    if down != wanted:
        return WRONG if len(down) == len(wanted) else SHORT
    await asyncio.sleep(REST)
    await _write(connection, up)
    connection.shutdown(socket.SHUT_WR)
    last = await _read(connection, 1 << 20)
    if not last:
        return SHORT
    return COMPLETE if last == hashlib.sha256(up).digest() else WRONG


async def _read(connection, size):
    """`size` bytes, less only if the peer ended."""
    loop, received = asyncio.get_running_loop(), bytearray()
    while len(received) < size and (part := await loop.sock_recv(connection, size - len(received))):
        received += part
    return bytes(received)


async def _write(connection, data):
    """In segments of SEGMENT bytes: the sockets do not wait for more."""
    loop = asyncio.get_running_loop()
    for at in range(0, len(data), SEGMENT):
        await loop.sock_sendall(connection, data[at:at + SEGMENT])
