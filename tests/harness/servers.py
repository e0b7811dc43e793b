# SPDX-License-Identifier: Apache-2.0
"""TCP servers with a behaviour the test chooses, one thread for each connection."""

import contextlib
import socket
import ssl
import struct
import threading


class Server:
    def __init__(self, host, port, handler, backlog=1024):
        """`handler(connection)` runs in a thread for each connection of either family; the socket is closed after it."""
        self._handler = handler
        self.accepted = 0
        self.failures = []  # exceptions of handlers
        self._listener = host.socket(socket.AF_INET6)
        self._listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("::", port))
        self._listener.listen(backlog)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.accepted += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with contextlib.closing(connection):
            try:
                self._handler(connection)
            except Exception as error:  # shown by the test
                self.failures.append(error)

    def close(self):
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


def read_exactly(connection, size):
    """bytes, short only if the peer ended."""
    received = bytearray()
    while len(received) < size and (part := connection.recv(size - len(received))):
        received += part
    return bytes(received)


def read_to_end(connection):
    received = bytearray()
    while part := connection.recv(1 << 16):
        received += part
    return bytes(received)


def reset(connection):
    """Closes with a RST (SO_LINGER of 0)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def echo(connection):
    """Sends back what comes, to the end."""
    while part := connection.recv(1 << 16):
        connection.sendall(part)


def over_tls(certificate, handler):
    """A handler that completes the TLS handshake with this certificate, then has `handler` speak inside (ssl.SSLSocket)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.certificate, certificate.key)

    def whole(connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # no answer waits for the ACK of session tickets
        with context.wrap_socket(connection, server_side=True) as session:
            handler(session)
    return whole
