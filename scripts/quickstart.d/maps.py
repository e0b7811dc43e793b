# SPDX-License-Identifier: Apache-2.0
"""Shows the routing tables as bpftool gives them, below the command that does, and follows one hostname through them. Arrays
are long and mostly empty: only elements in use are asked for, one by one, since bpftool needs many seconds for a quarter of
a million. Addresses and ports are in network byte order in the maps; what they mean is put behind."""

import ipaddress
import json
import shlex
import struct
import subprocess
import sys

from lab import GATEWAY4, GATEWAY6, STATE, Table

from bpf_arrays import array_entries

PINS = f"{STATE}/bpf/slipgate"
MAPS = ["vips", "names", "route_names", "routes", "weights", "backend_names", "backends", "endpoints"]
ARRAYS = ["routes", "weights", "backends", "endpoints"]
HOST, VIPS, ENDPOINTS = "api.example.com", (f"{GATEWAY4}:443", f"[{GATEWAY6}]:443"), "10.244.1.2:8443 [fd00:244:1::2]:8443"


def bpftool(action, name, *key):
    """Prints the command and what it gave; returns that as a list of entries."""
    command = ["bpftool", "--json", "map", action, "pinned", f"{PINS}/{name}", *key]
    print(f"  $ {shlex.join(command)}")
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{shlex.join(command)}: {result.stdout.strip()} {result.stderr.strip()}")
    given = json.loads(result.stdout)
    entries = [entry.get("formatted", entry) for entry in (given if isinstance(given, list) else [given])]
    for entry in entries:
        meaning = endpoint(entry["key"]) or endpoint(entry["value"])
        print(f"    key {compact(entry['key'])}  value {compact(entry['value'])}" + (f"   # {meaning}" if meaning else ""))
    return entries


def used_entries(name):
    if name not in ARRAYS:
        return bpftool("dump", name)
    return [entry for index in array_entries(f"{PINS}/{name}")
            for entry in bpftool("lookup", name, "key", *map(str, struct.pack("=I", index)))]


def compact(value):
    """A value on one line, in bpftool's own names; padding left out."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {compact(v)}" for k, v in value.items() if k != "zero") + "}"
    if isinstance(value, list):
        return "[" + ", ".join(compact(v) for v in value) + "]"
    return str(value)


def endpoint(value):
    """ADDRESS:PORT of a value that has both, else nothing. bpftool prints words as this host counts."""
    if not isinstance(value, dict) or "address" not in value:
        return ""
    address = ipaddress.IPv6Address(struct.pack("=4I", *value["address"]["word"]))
    port, = struct.unpack(">H", struct.pack("=H", value["port"]))
    return f"{address.ipv4_mapped}:{port}" if address.ipv4_mapped else f"[{address}]:{port}"


def endpoints_of(host, vip, tables):
    """The way of the data path: VIP and hostname, route, weights, backends (one for each address family), endpoints."""
    def elements(name, span):
        array = {entry["key"]: entry["value"] for entry in tables[name]}
        first, count = span["part"]["first"], span["part"]["count"]
        return [array[index] for index in range(first, first + count)]

    def element(name, index):
        return next(entry["value"] for entry in tables[name] if entry["key"] == index)

    vip_id = next(entry["value"]["id"] for entry in tables["vips"] if endpoint(entry["key"]) == vip)
    route = next(entry["value"]["route"] for entry in tables["names"]
                 if (entry["key"]["vip"], entry["value"]["hostname"]) == (vip_id, host))
    return " ".join(endpoint(value) for weight in elements("weights", element("routes", route)) for family in (0, 1)
                    for value in elements("endpoints", element("backends", 2 * weight["backend"] + family)))


def main():
    tables = {name: used_entries(name) for name in MAPS}
    print()
    table = Table(hostname=15, on=22, expected_endpoints=42, got=42, verdict=15)
    for vip in VIPS:
        try:
            got = endpoints_of(HOST, vip, tables)
        except (StopIteration, KeyError):
            got = "(none)"
        table.row(HOST, vip, ENDPOINTS, got, good=got == ENDPOINTS)
    return table.finish()


sys.exit(main())
