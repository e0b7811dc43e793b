# SPDX-License-Identifier: Apache-2.0
"""
Echo servers and clients that check every byte, in processes of their own. Long connections exchange data until they are
told to stop, short ones follow each other. What a connection sends is a ClientHello and then a pattern that differs at
every offset and for every connection.
"""

import asyncio
import collections
import contextlib
import multiprocessing
import random
import socket
from dataclasses import dataclass

from .hello import made
from .wait import eventually

_PATTERN = random.Random(2).randbytes(65521) * 3  # a prime: no power of two brings the same bytes again
_PERIOD, _LARGEST = 65521, 65536
_FORK = multiprocessing.get_context("fork")


class _Process:
    """Runs `work(connection)` inside a namespace; what it returns comes back by the pipe."""

    def __init__(self, space, work):
        self._ours, theirs = _FORK.Pipe()

        def run():
            with space.entered(), contextlib.suppress(KeyboardInterrupt):
                theirs.send(asyncio.run(work(theirs)))

        self._process = _FORK.Process(target=run, daemon=True)
        self._process.start()
        theirs.close()

    def tell(self):
        self._ours.send(None)

    def answer(self, patience=120):
        assert self._ours.poll(patience), f"no answer within {patience} s"
        return self._ours.recv()

    def close(self):
        self._process.kill()
        self._process.join()
        self._ours.close()


class EchoServer(_Process):
    def __init__(self, host, port):
        super().__init__(host, lambda _: self._serve(port))
        eventually(lambda: host.run("ss", "-Hltn", "sport", "=", f":{port}").stdout, f"echo server of {host} listens")

    @staticmethod
    async def _serve(port):
        async def echo(reader, writer):
            with contextlib.suppress(ConnectionError):
                while part := await reader.read(1 << 17):
                    writer.write(part)
                    await writer.drain()
                writer.close()
        listener = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=4096)
        async with await asyncio.start_server(echo, sock=listener) as server:
            await server.serve_forever()


@dataclass
class Kind:
    """Connections to make: `count` at a time to `target` with this server name."""

    name: str
    target: tuple
    count: int
    long: bool = False  # one connection until told to stop; else one after the other
    may_be_refused: bool = False  # by a RST instead of the first byte


class EchoLoad(_Process):
    def __init__(self, host, kinds):
        super().__init__(host, lambda pipe: self._drive(pipe, kinds))

    def finish(self):
        """Ends all connections in order. Returns (counts: long, short, refused, bytes; what went wrong, as text)."""
        self.tell()
        return self.answer()

    async def _drive(self, pipe, kinds):
        self._stop, self._counts, self._failures = asyncio.Event(), collections.Counter(), []
        asyncio.get_running_loop().add_reader(pipe.fileno(), self._stop.set)
        await asyncio.gather(*(self._connections(kind, number) for kind in kinds for number in range(kind.count)))
        return dict(self._counts), self._failures

    async def _connections(self, kind, number):
        dice = random.Random(f"{kind.name} {kind.target} {number}")
        while not self._stop.is_set():
            connection = _Connection(kind, dice)
            try:
                await connection.exchange(None if kind.long else 4, self._stop)
                self._counts["long" if kind.long else "short"] += 1
            except ConnectionResetError if kind.may_be_refused else () as error:
                if connection.received:
                    self._failures.append(f"{kind.name}: {error!r} after {connection.received} bytes")
                self._counts["refused"] += 1
            except (OSError, TimeoutError, _Wrong) as error:
                self._failures.append(f"{kind.name} {kind.target}: {error!r} after {connection.received} bytes")
            self._counts["bytes"] += connection.received


class _Wrong(Exception):
    """Not the bytes that were sent."""


class _Connection:
    def __init__(self, kind, dice):
        self._kind, self._dice = kind, dice
        self._start = dice.randrange(_PERIOD)
        self.received = 0

    async def exchange(self, turns, stop):
        """So many turns, or until `stop`; then an orderly end."""
        family = socket.AF_INET6 if ":" in self._kind.target[0] else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as self._socket:
            self._socket.setblocking(False)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            loop = asyncio.get_running_loop()
            await loop.sock_connect(self._socket, self._kind.target)
            hello = made(self._kind.name, before=1000)
            for part in hello[:700], hello[700:]:  # at once: half a hello may not rest for as long as others take turns
                await loop.sock_sendall(self._socket, part)
            await self._turn(b"", hello)
            while turns is None and not stop.is_set() or turns:
                data = self._next(self._dice.choice((1, 1000, 10000, _LARGEST)))
                await self._turn(data, data)
                turns = turns and turns - 1
            self._socket.shutdown(socket.SHUT_WR)
            if await asyncio.wait_for(loop.sock_recv(self._socket, 1), 60):
                raise _Wrong("more than was sent")

    def _next(self, size):
        begin = (self._start + self.received) % _PERIOD
        return _PATTERN[begin:begin + size]

    async def _turn(self, data, expected):
        loop = asyncio.get_running_loop()
        await asyncio.wait_for(loop.sock_sendall(self._socket, data), 60)
        at = 0
        while at < len(expected):
            part = await asyncio.wait_for(loop.sock_recv(self._socket, len(expected) - at), 60)
            if not part:
                raise _Wrong("ended early")
            if part != expected[at:at + len(part)]:
                raise _Wrong("other bytes than were sent")
            at += len(part)
            self.received += len(part)
