# SPDX-License-Identifier: Apache-2.0
"""A process that runs beside the test, with its output in a file."""

import signal
import subprocess

from .wait import PATIENCE


class Process:
    def __init__(self, command, log, stdout=None):
        """Standard error goes to `log`, standard output too unless another file is given; standard input never ends."""
        self.log = log
        with open(log, "ab") as errors, open(stdout or log, "ab") as output:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=output, stderr=errors)

    @property
    def pid(self):
        return self._process.pid

    @property
    def running(self):
        return self._process.poll() is None

    def kill(self):
        self._process.kill()
        self.wait()

    def send_signal(self, number):
        self._process.send_signal(number)

    def stop(self, by=signal.SIGTERM):
        """Asks the process to end and returns its exit code."""
        self.send_signal(by)
        return self.wait()

    def wait(self, patience=PATIENCE):
        """Exit code; negative: the signal that ended it."""
        code = self._process.wait(patience)
        self._process.stdin.close()
        return code

    def close(self):
        self.kill()

    def log_text(self):
        return self.log.read_text(errors="replace")
