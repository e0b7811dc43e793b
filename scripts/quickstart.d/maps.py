# SPDX-License-Identifier: Apache-2.0
"""Shows the routing tables as bpftool gives them. Arrays are long and mostly empty: their unused elements are left out, and
not even asked for, since bpftool needs many seconds for a quarter of a million. Addresses and ports are in network byte
order in the maps; what they mean is put behind."""

import ipaddress
import json
import struct
import subprocess
import sys

from lab import STATE

from bpf_arrays import array_entries

PINS = f"{STATE}/bpf/slipgate"
MAPS = ["vips", "names", "route_names", "routes", "weights", "backend_names", "backends", "endpoints"]
ARRAYS = ["routes", "weights", "backends", "endpoints"]


def bpftool(action, name, *key):
    command = ["bpftool", "--json", "map", action, "pinned", f"{PINS}/{name}", *key]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        sys.exit(f"{' '.join(command)}: {result.stdout.strip()} {result.stderr.strip()}")
    return json.loads(result.stdout)


def used_entries(name):
    if name in ARRAYS:
        entries = [bpftool("lookup", name, "key", *map(str, struct.pack("=I", index)))
                   for index in array_entries(f"{PINS}/{name}")]
    else:
        entries = bpftool("dump", name)
    return [entry.get("formatted", entry) for entry in entries]


def compact(value):
    """A value on one line, in bpftool's own names; padding left out."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{k}: {compact(v)}" for k, v in value.items() if k != "zero") + "}"
    if isinstance(value, list):
        return "[" + ", ".join(compact(v) for v in value) + "]"
    return str(value)


def endpoint(value):
    """"   # ADDRESS:PORT" for a value that has both, else nothing. bpftool prints words as this host counts."""
    if not isinstance(value, dict) or "address" not in value:
        return ""
    address = ipaddress.IPv6Address(struct.pack("=4I", *value["address"]["word"]))
    port, = struct.unpack(">H", struct.pack("=H", value["port"]))
    return f"   # {address.ipv4_mapped}:{port}" if address.ipv4_mapped else f"   # [{address}]:{port}"


def main():
    for name in MAPS:
        print(f"  $ bpftool map dump pinned {PINS}/{name}")
        used = used_entries(name)
        for entry in used:
            print(f"    key {compact(entry['key'])}  value {compact(entry['value'])}"
                  f"{endpoint(entry['key']) or endpoint(entry['value'])}")
        if not used:
            print("    (empty)")
            sys.exit(f"map {name}: expected entries, found none")
    return 0


sys.exit(main())
