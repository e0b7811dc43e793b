# SPDX-License-Identifier: Apache-2.0
"""A client that connects without a pause while a test does something else, and one connection that lives all the time."""

import threading


class Traffic:
    """`with Traffic(connect): ...`; connect() gives a TLS session to an echo server. Fails if one of them did, or there was none."""

    def __init__(self, connect):
        self._connect, self._stop = connect, threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.served, self._failure = 0, None

    def __enter__(self):
        self._live = self._connect()
        self._thread.start()
        return self

    def __exit__(self, kind, *_):
        self._stop.set()
        self._thread.join()
        with self._live:
            self._exchange(self._live)
        if kind is None and (self._failure or not self.served):
            raise AssertionError(f"of connections beside, {self.served} were served, then: {self._failure!r}")

    def _run(self):
        try:
            while not self._stop.is_set():
                with self._connect() as session:
                    self._exchange(session)
                self._exchange(self._live)
                self.served += 1
        except Exception as error:  # told in __exit__
            self._failure = error

    @staticmethod
    def _exchange(session):
        session.sendall(b"here?")
        if session.recv(100) != b"here?":
            raise ConnectionError("another answer than was sent")
