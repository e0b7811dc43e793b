# SPDX-License-Identifier: Apache-2.0
"""What is measured. A workload is one run of bench_load against one gateway; it gives one or more rows of the result."""

import json
import os
import subprocess
import time
from dataclasses import dataclass
from typing import Callable

from . import https, network
from .network import Failed

IDLE = 9000
MIB = 1024 * 1024


@dataclass(frozen=True)
class Row:
    name: str
    unit: str
    better: str  # "higher" or "lower"
    value: Callable


@dataclass(frozen=True)
class Workload:
    name: str
    what: str
    arguments: tuple
    rows: tuple
    family: int = 4
    offloads: bool = True  # of the gateway's links; off, packets are what a wire carries


def _per_second(report):
    return report["operations"] / report["seconds"]


def _gigabits(report):
    return report["bytes"] * 8e-9 / report["seconds"]


def _busy_us_per_operation(report):
    return report["busy_seconds"] * 1e6 / max(report["operations"], 1)


def _busy_per_gigabyte(report):
    return report["busy_seconds"] / max(report["bytes"] * 1e-9, 1e-9)


def _request(name, connections):
    return Workload(name, f"requests one after the other on {connections} open connection(s)",
                    ("--mode", "request", "--connections", str(connections)),
                    (Row(name, "requests/s", "higher", _per_second),
                     Row(f"{name}_p50", "µs", "lower", lambda report: report["p50_us"]),
                     Row(f"{name}_p99", "µs", "lower", lambda report: report["p99_us"])))


def _bulk(name, mode, **conditions):
    return Workload(name, f"{mode} on 8 connections", ("--mode", mode, "--connections", "8"),
                    (Row(name, "Gbit/s", "higher", _gigabits),
                     Row(f"{name}_cpu", "CPU s/GB", "lower", _busy_per_gigabyte)), **conditions)


def _connect(name, *arguments, **conditions):
    return Workload(name, "connect, ClientHello, request, close; 32 at a time",
                    ("--mode", "connect", "--connections", "32", *arguments),
                    (Row(name, "connections/s", "higher", _per_second),
                     Row(f"{name}_p50", "µs", "lower", lambda report: report["p50_us"]),
                     Row(f"{name}_p99", "µs", "lower", lambda report: report["p99_us"]),
                     Row(f"{name}_cpu", "CPU µs/connection", "lower", _busy_us_per_operation)), **conditions)


IDLE_WORKLOAD = Workload(
    "idle", f"{IDLE} idle connections", (),
    (Row("idle_process", "MiB", "lower", lambda report: report["process"]),
     Row("idle_process_growth", "MiB", "lower", lambda report: report["process_growth"]),
     Row("idle_maps", "MiB", "lower", lambda report: report["maps"]),
     Row("idle_maps_growth", "MiB", "lower", lambda report: report["maps_growth"]),
     Row("idle_slab_growth", "MiB", "lower", lambda report: report["slab_growth"])))

HTTPS_WORKLOAD = Workload(
    https.WORKLOAD, f"hey, {https.WORKERS} workers, HTTPS; nginx ends TLS, Slipgate passes it through", (),
    (Row("hey", "requests/s", "higher", lambda report: report["requests_per_second"]),
     Row("hey_p99", "µs", "lower", lambda report: report["p99_us"])))

ALL = [
    _connect("crr"),
    _connect("crr_2seg", "--hello-size", "1800"),  # as browsers say it since the post-quantum key share
    _connect("crr_ipv6", family=6),
    _request("rr1", 1),
    _request("rr32", 32),
    _bulk("down8", "download"),
    _bulk("up8", "upload"),
    _bulk("down8_ipv6", "download", family=6),
    _bulk("down8_wire", "download", offloads=False),
    _bulk("up8_wire", "upload", offloads=False),
    HTTPS_WORKLOAD,
    IDLE_WORKLOAD,
]


# Runs of their own: counting costs a little. What the entry program calls by tail call is part of its time.
PROGRAM_WORKLOADS = [workload for workload in ALL if workload.name in ("crr", "crr_2seg", "rr32", "down8", "up8")]


def program_row(workload):
    return Row(f"bpf_{workload.name}", "ns/packet", "lower", lambda report: report["nanoseconds"] / max(report["runs"], 1))


class Runner:
    def __init__(self, binaries, seconds, https_server):
        self.load = os.path.join(binaries, "bench_load")
        self.seconds = seconds
        self.https_server = https_server

    def _command(self, gateway, *arguments, family=4):
        return (self.load, "--target", ",".join(gateway.targets(family)), *arguments)

    def _drive(self, gateway, *arguments, family=4):
        command = self._command(gateway, *arguments, family=family)
        result = network.run(*network.in_namespace("client", *command), check=False)
        if result.returncode != 0:
            raise Failed(f"bench_load: {result.stderr}")
        return json.loads(result.stdout)

    def wait_until_serving(self, gateway):
        def serving():
            report = self._drive(gateway, "--mode", "connect", "--seconds", "0.05", "--warm-up", "0.05")
            return report["operations"] > 0 and report["errors"] == 0
        network.wait_until_serving(gateway.name, serving, gateway.process, gateway.log_file)

    def measure(self, workload, gateway):
        """The report of one run; see load.cc for its fields."""
        if workload is IDLE_WORKLOAD:
            return self._idle(gateway)
        if workload is HTTPS_WORKLOAD:
            return self.https_server.drive(gateway.https_target(), self.seconds)
        if not workload.offloads:
            network.offloads(gateway.name, gateway.index, on=False)
        try:
            report = self._drive(gateway, *workload.arguments, "--seconds", str(self.seconds), family=workload.family)
        finally:
            if not workload.offloads:
                network.offloads(gateway.name, gateway.index, on=True)
        if report["operations"] == 0 and report["bytes"] == 0:
            raise Failed(f"{gateway.name}: nothing got through in {workload.name}:\n{network.end_of(gateway.log_file)}")
        return report

    def measure_program(self, workload, slipgate):
        """What the kernel counts of the BPF program in one run of the workload."""
        network.run("sysctl", "-qw", "kernel.bpf_stats_enabled=1")
        try:
            runs, nanoseconds = slipgate.program_statistics()
            self.measure(workload, slipgate)
            runs_after, nanoseconds_after = slipgate.program_statistics()
        finally:
            network.run("sysctl", "-qw", "kernel.bpf_stats_enabled=0")
        return {"runs": runs_after - runs, "nanoseconds": nanoseconds_after - nanoseconds}

    def _idle(self, gateway):
        """Starts the gateway anew: what a proxy once took for connections it keeps in its pools."""
        gateway.stop()
        gateway.start()
        self.wait_until_serving(gateway)
        time.sleep(0.5)
        before = _memory(gateway)
        command = self._command(gateway, "--mode", "idle", "--connections", str(IDLE))
        client = network.spawn("client", *command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        try:
            established = json.loads(client.stdout.readline() or '{"established": 0}')["established"]
            if established != IDLE:
                raise Failed(f"{gateway.name}: {established} of {IDLE} idle connections:\n{network.end_of(gateway.log_file)}")
            time.sleep(0.5)
            after = _memory(gateway)
        finally:
            client.stdin.close()
            try:
                client.wait(5)
            except subprocess.TimeoutExpired:
                network.stop(client)
        growth = {f"{key}_growth": after[key] - before[key] for key in after}
        return {**after, **growth, "errors": 0, "stalled": 0}


def _memory(gateway):
    """MiB. slab is the whole machine's: sockets live there, at both ends and in the gateway, and map entries too."""
    with open("/proc/meminfo", encoding="ascii") as lines:
        slab = next(int(line.split()[1]) for line in lines if line.startswith("Slab:"))
    return {"process": gateway.process_memory() / MIB, "maps": gateway.map_memory() / MIB, "slab": slab / 1024}
