# SPDX-License-Identifier: Apache-2.0
"""What the players of the quickstart share: the namespaces, the access log, and tables on the terminal."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[2] / "tests/harness"))  # what the players take from the tests

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends a player without a traceback; the script cleans up

NAME = os.environ["NAME"]
STATE = os.environ["STATE"]
TRUSTED = f"{STATE}/trusted.pem"
ACCESS_LOG = f"{STATE}/access.log"

GATEWAY4, GATEWAY6, MIXED = "198.51.100.1", "2001:db8:100::1", "198.51.100.2"
CLIENT_ADDRESSES = {
    ("client1", 4): "192.0.2.18", ("client1", 6): "2001:db8:1::2",
    ("client2", 4): "192.0.2.34", ("client2", 6): "2001:db8:2::2",
}


def inside(namespace, command):
    """The command line that runs `command` in one of the quickstart's network namespaces."""
    return ["nsenter", f"--net=/run/netns/{NAME}-{namespace}", *command]


def run(namespace, command, *, stdin="", timeout=20):
    """Runs a command in a namespace to its end. Returns the CompletedProcess; 124 as its code after `timeout` seconds."""
    try:
        return subprocess.run(inside(namespace, command), input=stdin, capture_output=True, text=True,
                              errors="replace", timeout=timeout, check=False)
    except subprocess.TimeoutExpired as late:
        return subprocess.CompletedProcess(command, 124, str(late.stdout or ""), str(late.stderr or ""))


def bracketed(address):
    """An address as URLs and ADDRESS:PORT pairs want it."""
    return f"[{address}]" if ":" in address else address


def log_records(event, **fields):
    """Lines of the access log of one kind, as dictionaries, of which every given field has the given value."""
    records = []
    with open(ACCESS_LOG, encoding="utf-8", errors="replace") as log:
        for line in log:
            record = {key: value.strip('"') for key, value in re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\S*)', line)}
            if record.get("event") == event and all(record.get(k) == v for k, v in fields.items()):
                records.append(record)
    return records


def wait_for_record(event, seconds=3.0, **fields):
    """The first such line, or None if it has not come after `seconds`: the log is written behind the packets."""
    deadline = time.monotonic() + seconds
    while True:
        records = log_records(event, **fields)
        if records or time.monotonic() > deadline:
            return records[0] if records else None
        time.sleep(0.05)


class Table:
    """Rows printed one by one under fixed widths; counts those that are not as expected."""

    def __init__(self, **columns):
        self.widths = list(columns.values())
        self.bad = 0
        self.rows = 0
        self._print(name.replace("_", " ") for name in columns)
        self._print("-" * width for width in self.widths)

    def _print(self, cells):
        print("  " + "  ".join(str(cell).ljust(width) for cell, width in zip(cells, self.widths)).rstrip(), flush=True)

    def row(self, *cells, good):
        self.rows += 1
        self.bad += not good
        self._print([*cells, "ok" if good else "NOT AS EXPECTED"])

    def finish(self):
        """Exit code of a player: 0 only if every row was as expected."""
        print(f"  {self.rows - self.bad} of {self.rows} rows as expected\n", flush=True)
        return 1 if self.bad else 0


def progress(text):
    """A line that the next one overwrites; only where someone watches."""
    if sys.stderr.isatty():
        print(f"\r\033[K  {text}", end="", file=sys.stderr, flush=True)
