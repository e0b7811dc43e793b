# SPDX-License-Identifier: Apache-2.0
"""A download that goes on, slowly, for as long as the test needs it to be in its middle."""

import hashlib
import threading

from .clients import tls

CHUNK, PAUSE = 1 << 16, 0.01  # bytes, seconds


class Download:
    def __init__(self, client, target, name, path):
        self._connection = tls(client, target, name)
        self._connection.sendall(f"GET {path} HTTP/1.0\r\nHost: {name}\r\n\r\n".encode())
        self._hurry = threading.Event()
        self._sum, self._error = hashlib.sha256(), None
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    @property
    def running(self):
        return self._thread.is_alive()

    def finish(self):
        """Reads the rest as fast as it comes and returns the sha256 of the body; raises what ended the connection."""
        self._hurry.set()
        self._thread.join()
        if self._error:
            raise self._error
        return self._sum.hexdigest()

    def close(self):
        self._hurry.set()
        self._connection.close()

    def _read(self):
        head = b""
        try:
            while part := self._connection.recv(CHUNK):
                if head is not None:
                    head += part
                    if b"\r\n\r\n" not in head:
                        continue
                    part, head = head.partition(b"\r\n\r\n")[2], None
                self._sum.update(part)
                self._hurry.wait(PAUSE)
        except OSError as error:
            self._error = error
