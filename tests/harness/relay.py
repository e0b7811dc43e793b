# SPDX-License-Identifier: Apache-2.0
"""TCP connections that are handed on to a port of this host, and may die without a word."""

import contextlib
import socket
import threading


class Relay:
    def __init__(self, port):
        self._to = port
        self._silent = set()  # sockets that no longer hand anything on
        self._sockets = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def silence(self):
        """The connections that are open now stay open; what is sent is acknowledged, and nobody reads it."""
        self._silent = set(self._sockets)

    def close(self):
        for end in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):  # nobody is connected any more
                end.shutdown(socket.SHUT_RDWR)  # wakes the thread that waits for it; close() alone does not
            end.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # closed
            try:
                server = socket.create_connection(("127.0.0.1", self._to))
            except OSError:
                client.close()  # nobody is there
                continue
            self._sockets += [client, server]
            for ends in (client, server), (server, client):
                threading.Thread(target=self._carry, args=ends, daemon=True).start()

    def _carry(self, source, target):
        try:
            while data := source.recv(65536):
                if source not in self._silent:
                    target.sendall(data)
            if source not in self._silent:
                target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # an end was closed
