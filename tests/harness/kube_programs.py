# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes source and the writer of statuses without the rest of the agent (tests/control/kube_follow.cc, kube_write.cc)."""

import json
import os
import queue
import signal
import subprocess
import tempfile
import threading
from pathlib import Path

from .wait import PATIENCE, eventually

PROGRAMS = Path(os.environ["SLIPGATE_BUILD"], "bin")
NEVER = 10 * PATIENCE * 1000  # ms; silence of a healthy server must not end a test


class Program:
    """A program that follows an API server and says, as lines of JSON, what comes of it."""

    name = arguments = None

    def __init__(self, kubeconfig, silence_ms=NEVER, within=()):
        """`within`: a command that runs another one."""
        self._log = tempfile.NamedTemporaryFile(prefix=f"{self.name}-log-")
        self._process = subprocess.Popen([*within, PROGRAMS / self.name, kubeconfig, str(silence_ms), *self.arguments],
                                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=self._log)
        self._lines = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(json.loads(line))

    def wait_for(self, what, condition):
        """`condition` of this program, with all that it said until now."""
        def holds():
            while not self._lines.empty():
                self._hear(self._lines.get())
            return condition(self)

        try:
            return eventually(holds, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self}\n{self.log()}") from None

    def _hear(self, said):
        raise NotImplementedError

    def log(self):
        return Path(self._log.name).read_text()

    def stop(self):
        """It sleeps, alive, until resume()."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self):
        self._process.send_signal(signal.SIGCONT)

    def end(self):
        """In good order."""
        self._process.stdin.close()
        self._process.wait()

    def kill(self):
        self._process.kill()
        self._process.wait()

    def close(self):
        self.kill()
        self._reader.join()
        self._process.stdin.close()
        self._process.stdout.close()
        self._log.close()


class Follower(Program):
    """kube_follow, and the last that it said."""

    name, arguments = "kube_follow", ()

    def __init__(self, *arguments, **options):
        self.states, self.missing, self.followed = [], None, {}
        super().__init__(*arguments, **options)

    def _hear(self, said):
        if "state" in said:
            self.states.append(said["state"])
        elif "followed" in said:
            self.followed = said["followed"]
        else:
            self.missing = said["missing"]

    def of(self, kind):
        """The objects of a kind in the last state, None before the first."""
        return (self.states[-1] or {}).get(kind, {}) if self.states else None

    def __str__(self):
        return f"state: {self.states[-1:]}\nmissing: {self.missing}"


class Writer(Program):
    """kube_write, and the last that it said: `writer`, `pending`, `writes` and `events` by their result."""

    name = "kube_write"

    def __init__(self, kubeconfig, node="node-1", rejection_ms=NEVER, **options):
        self.arguments = [node, str(rejection_ms)]
        self.writer, self.pending, self.writes, self.events = False, 0, {}, {}
        super().__init__(kubeconfig, **options)

    def _hear(self, said):
        vars(self).update(said)

    def __str__(self):
        return f"writer: {self.writer}, pending: {self.pending}, writes: {self.writes}, events: {self.events}"
