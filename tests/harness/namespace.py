# SPDX-License-Identifier: Apache-2.0
"""A network namespace: commands, sockets and counters inside it."""

import contextlib
import json
import socket
import subprocess
from pathlib import Path

from . import libc
from .process import Process
from .wait import eventually


def ip(*arguments, namespace=None):
    """Runs `ip`; CalledProcessError shows its message."""
    command = ["ip", *(["-netns", namespace] if namespace else []), *map(str, arguments)]
    subprocess.run(command, check=True)


class Namespace:
    def __init__(self, name):
        self.name = name
        self.path = f"/run/netns/{name}"
        ip("netns", "add", name)
        ip("link", "set", "lo", "up", namespace=name)

    def __repr__(self):
        return self.name

    def close(self):
        """Gives up the name; the kernel takes the namespace away after its last process and socket."""
        ip("netns", "del", self.name)

    @contextlib.contextmanager
    def entered(self):
        """The calling thread is inside; sockets opened meanwhile stay there for good."""
        with open("/proc/thread-self/ns/net") as before, open(self.path) as inside:
            libc.setns(inside.fileno(), libc.CLONE_NEWNET)
            try:
                yield
            finally:
                libc.setns(before.fileno(), libc.CLONE_NEWNET)

    def socket(self, family, kind=socket.SOCK_STREAM, protocol=0):
        with self.entered():
            return socket.socket(family, kind, protocol)

    def command(self, *argv):
        # nsenter, since `ip netns exec` would mount another /sys and hide the bpffs.
        return ["nsenter", f"--net={self.path}", *map(str, argv)]

    def run(self, *argv, timeout=120, check=True, **options):
        """Runs a command to its end and returns CompletedProcess with text output."""
        options = {"text": True, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE} | options
        done = subprocess.run(self.command(*argv), timeout=timeout, **options)
        if check and done.returncode != 0:
            raise AssertionError(f"{self}: {' '.join(map(str, argv))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
        return done

    def json(self, *argv):
        """What a command prints, read as JSON."""
        return json.loads(self.run(*argv).stdout)

    def start(self, *argv, log, **options):
        return Process(self.command(*argv), log, **options)

    def sysctl(self, name, value):
        with self.entered():
            Path("/proc/sys", name.replace(".", "/")).write_text(str(value))

    def snmp_when_idle(self):
        """snmp() when its own connections have ended: one to the agent's HTTP port sends its last segments after the answer."""
        own = "ss", "-Htn", "state", "connected", "exclude", "time-wait"
        eventually(lambda: not self.run(*own).stdout, f"connections of {self} have ended")
        return self.snmp()

    def snmp(self):
        """Counters of the namespace's TCP and IP stack: {"Tcp.InSegs": n, ..., "Ip6InReceives": n, ...}."""
        counters = {}
        with self.entered():
            for name in "snmp", "netstat":
                lines = Path("/proc/thread-self/net", name).read_text().splitlines()
                for names, values in zip(lines[::2], lines[1::2]):
                    kind, names = names.split(": ")
                    counters |= {f"{kind}.{n}": int(v) for n, v in zip(names.split(), values.split()[1:])}
            lines = Path("/proc/thread-self/net/snmp6").read_text().splitlines()
            counters |= {name: int(value) for name, value in map(str.split, lines)}
        return counters

    def offloads(self, interface, on):
        """Segmentation and checksum offloads; off, every packet on the wire is one of a real network."""
        state = "on" if on else "off"
        self.run("ethtool", "-K", interface, "tso", state, "gso", state, "gro", state, "tx", state)

