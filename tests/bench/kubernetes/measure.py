# SPDX-License-Identifier: Apache-2.0
"""Series of changes, and how long each took to have its effect, in seconds."""

import contextlib
import random
import socket
import ssl
import struct
import threading
import time

from harness import manifests
from harness.bpf_map import Map
from harness.topology import V4
from harness.wait import eventually

from . import cluster

BETWEEN = 0.05  # seconds from the effect of one change to the next, so that each is a state of its own
PATIENCE = 60  # seconds for a change to have its effect
RANGE_SIZE = 8  # bytes of union sg_range


def endpoint_changes(api, agent, options, seed):
    """
    Moves one endpoint of a Service drawn at random to another address, again and again. "event": from the arrival at the
    agent to the maps, by the agent's own clock; "patch": from the start of the request to the change that is seen in the map.
    """
    draw, applied_before = random.Random(seed), len(agent.applied())
    slots, ranges, durations = agent.ipv4_slots(), Map(agent.pins / "backends"), []
    for number in range(options.events):
        chosen = draw.randrange(options.routes)
        addresses = [cluster.address(chosen * options.endpoints + n) for n in range(options.endpoints)]
        addresses[0] = cluster.address(cluster.SPARE + seed * options.events + number)
        change = {"endpoints": cluster.slice_of(chosen, addresses)["endpoints"]}
        slot = struct.pack("=I", slots[f"default/service{chosen}:443"])
        before = ranges.lookup(slot, RANGE_SIZE)
        durations.append(_duration(lambda: api.patch("EndpointSlice", f"service{chosen}-ipv4", change),
                                   lambda: ranges.lookup(slot, RANGE_SIZE) != before))
    ranges.close()
    applied = eventually(lambda: len(found := agent.applied()[applied_before:]) >= options.events and found, "every change is logged")
    return {"event": applied, "patch": durations}


def new_routes(network, make, options, prefix):
    """
    Makes TLSRoutes one after the other with make(route), and connects until the new name is served: the seconds from the
    call to the end of the first TLS handshake.
    """
    durations = []
    for number in range(options.events):
        name = f"{prefix}{number}.bench.example.com"
        route = manifests.tls_route(f"{prefix}{number}", [name], {f"service{number % options.routes}": 1})
        durations.append(_duration(lambda: make(route), lambda: _is_served(network.clients[0], (network.vip[V4], 443), name)))
    return durations


def _duration(change, is_done):
    """Seconds from the start of change() until is_done(), which is asked meanwhile."""
    changer = threading.Thread(target=change)
    start = time.monotonic()
    changer.start()
    while not is_done():
        if time.monotonic() > start + PATIENCE:
            raise AssertionError("a change has no effect")
        time.sleep(0.0005)
    duration = time.monotonic() - start
    changer.join()
    time.sleep(BETWEEN)
    return duration


def _is_served(client, target, name):
    """Whether a TLS handshake with that name comes to its end; nothing of the certificate is checked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    with contextlib.closing(client.socket(socket.AF_INET)) as connection:
        connection.settimeout(5)
        try:
            connection.connect(target)
            with context.wrap_socket(connection, server_hostname=name):
                return True
        except OSError:
            return False
