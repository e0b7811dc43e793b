# SPDX-License-Identifier: Apache-2.0
"""The agent in the gateway's namespace, and what it and its maps say."""

import collections
import http.client
import json
import os
import re
import shlex
import signal
import subprocess
from pathlib import Path

from . import manifests, statuses
from .sandbox import BPFFS, WORK
from .bpf_arrays import array_entries
from .wait import PATIENCE, eventually


EVERY_ADDRESS = ("--address-range", "0.0.0.0/0,::/0")  # a cluster's Gateways may name; those of a folder may by default


class Slipgated:
    HTTP_PORT = 9470
    PATIENCE = PATIENCE  # seconds until it is ready

    started = []  # every agent of this run, for the report of a failure

    def __init__(self, gateway, flags=()):
        self._gateway, self.flags, self._process = gateway, flags, None
        self.program = Path(os.environ.get("SLIPGATE_BUILD", ""), "bin/slipgated")
        self.pins = BPFFS / "slipgate"
        self.folder = manifests.Folder(WORK / "manifests")
        self.status_dir = WORK / "status"
        self.log, self._access_log = WORK / "slipgated.log", WORK / "access.log"
        self.started.append(self)

    def command(self):
        return [self.program, *self.source(), "--status-dir", self.status_dir, "--pin-dir", self.pins, *self.flags]

    def source(self):
        return ["--manifests", self.folder.path]

    def start(self):
        self.launch()
        self.wait_until_ready(self._process)

    def launch(self):
        """Starts it without waiting until it is ready."""
        self._process = self._gateway.start(*self.command(), log=self.log, stdout=self._access_log)

    def wait_until_ready(self, process):
        eventually(lambda: not process.running or self.ready(), "slipgated answers /readyz", self.PATIENCE)
        if not process.running:
            raise AssertionError(f"slipgated exited with {process.wait()}:\n{self.log.read_text()}")

    def kill(self):
        self._process.kill()

    def terminate(self):
        """SIGTERM; returns the exit code."""
        return self._process.stop(signal.SIGTERM)

    def stop(self):
        """It sleeps, alive, until resume()."""
        self._process.send_signal(signal.SIGSTOP)

    def resume(self):
        self._process.send_signal(signal.SIGCONT)

    def close(self):
        if self._process:
            self._process.close()
        self._gateway.run(self.program, "--uninstall", "--pin-dir", self.pins)

    def get(self, path):
        """(status, body) of an HTTP request to the agent; None while it does not listen."""
        connection = http.client.HTTPConnection("127.0.0.1", self.HTTP_PORT, timeout=10)
        try:
            with self._gateway.entered():
                connection.connect()
            connection.request("GET", path)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        except (ConnectionError, TimeoutError):
            return None
        finally:
            connection.close()

    def ready(self):
        answer = self.get("/readyz")
        return answer is not None and answer[0] == 200

    def conditions(self, kind, name, namespace="default"):
        """{(part, type): condition} of the object's status file, {} while there is none; part: a listener or the parent."""
        document = self._status_document(kind, name, namespace)
        return {(part, condition["type"]): condition for _, part, condition in statuses.conditions(document)} if document else {}

    def status(self, kind, name, namespace="default"):
        """The object's status, {} while there is none."""
        document = self._status_document(kind, name, namespace)
        return document["status"] if document else {}

    def _status_document(self, kind, name, namespace):
        try:
            return statuses.read(self.status_dir / f"{kind.lower()}_{namespace}_{name}.yaml")
        except FileNotFoundError:
            return None

    def metric(self, series):
        """The value of one line of /metrics, named with its labels."""
        _, text = self.get("/metrics")
        return float(next(line.rpartition(" ")[2] for line in text.splitlines() if line.startswith(series + " ")))

    def metrics(self, name, label):
        """{value of the label: value} of all lines of /metrics of that name, which have no other label."""
        _, text = self.get("/metrics")
        lines = re.findall(rf'^{name}{{{label}="(.*)"}} (.*)$', text, re.MULTILINE)
        return {label: float(value) for label, value in lines}

    def dump(self, name):
        """Entries of a pinned map as bpftool prints them with BTF: [{"key": ..., "value": ...}, ...]; not one that goes meanwhile."""
        done = subprocess.run(["bpftool", "-j", "map", "dump", "pinned", self.pins / name], check=True, capture_output=True)
        is_gone = {"error": "No such file or directory"}
        return [entry.get("formatted", entry) for entry in json.loads(done.stdout) if entry.get("value") != is_gone]

    def counters(self):
        """Data plane counters summed over the CPUs, from the map: they are true without an agent, too."""
        total = collections.Counter()
        for value in self.dump("counters")[0]["values"]:
            total.update(value["value"])
        return total

    def flows(self):
        """Entries of both flow maps, two for each connection."""
        return self.dump("flows4") + self.dump("flows6")

    def access_log(self, after=0, **wanted):
        """Lines of the access log as dictionaries, those that have the wanted values; without the first `after` lines."""
        if not self._access_log.exists():
            return []
        lines = [dict(f.partition("=")[::2] for f in shlex.split(line)) for line in self._access_log.read_text().splitlines()[after:]]
        return [line for line in lines if all(line.get(key) == value for key, value in wanted.items())]

    def tables(self):
        """The maps that hold configuration, generations included, for comparison."""
        hashes = "vips", "names", "sources", "route_names", "backend_names"
        arrays = "routes", "weights", "backends", "endpoints", "config"
        return {name: self.dump(name) for name in hashes} | {name: array_entries(self.pins / name) for name in arrays}
