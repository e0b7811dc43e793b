# SPDX-License-Identifier: Apache-2.0
"""The benchmark's network: one namespace for the client, one for the server, one per gateway under test.

          10.60.N.1            10.60.N.254 | 10.61.N.254           10.61.N.1 .. 4
  client ----------------- veth --- gateway N --- veth ----------------- server
          fd60:N::1            fd60:N::254 | fd61:N::254           fd61:N::1 .. 4

Every gateway has links and addresses of its own, so all of them stay up for the whole run and the rounds can be
interleaved. Nothing outside namespaces whose names begin with PREFIX is touched.
"""

import ctypes
import os
import resource
import signal
import subprocess
import time

PREFIX = "slipgate-bench-"
ENDPOINTS = 4  # addresses of the server: source ports times these are the connections a gateway can have open
PORT = 443
SERVER_PORT = 8443
OPEN_FILES = min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1])  # two per proxied connection
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)

# What an operator of a busy proxy sets. TIME_WAIT is bounded in each namespace, so that a run is not measured by how
# many dead connections the run before it left behind.
_SYSCTLS = {
    "net.ipv4.ip_forward": "1",
    "net.ipv6.conf.all.forwarding": "1",
    "net.core.somaxconn": "16384",
    "net.ipv4.tcp_max_syn_backlog": "16384",
    "net.ipv4.tcp_max_tw_buckets": "4096",
    "net.ipv4.tcp_tw_reuse": "1",
    "net.ipv4.tcp_no_metrics_save": "1",
    "net.ipv4.ip_local_port_range": "1024 65535",
}


class Failed(Exception):
    """What a run cannot go on without did not work; the message says what, and shows its log."""


def wait_until_serving(what, serving, process, log, patience=15.0):
    """Calls `serving` until it returns true. Failed, with the end of the file `log`, if the process (or None) ends or time is up."""
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline and not (process and process.poll() is not None):
        if serving():
            return
        time.sleep(0.1)
    raise Failed(f"{what} does not serve:\n{end_of(log)}")


def end_of(log):
    """What the last lines of the file say, nothing if there is none."""
    try:
        with open(log, encoding="utf-8", errors="replace") as text:
            return text.read()[-4000:]
    except FileNotFoundError:
        return ""


def run(*command, check=True):
    return subprocess.run(command, check=check, text=True, capture_output=True)


def in_namespace(name, *command):
    """nsenter, not `ip netns exec`: the latter mounts a new /sys, which hides the bpffs."""
    return ("nsenter", f"--net=/run/netns/{PREFIX}{name}", *command)


def set_sysctl(name, key, value):
    run(*in_namespace(name, "sysctl", "-qw", f"{key}={value}"))


def _in_child():
    """Before exec: die with the script, even if it is killed, and have descriptors for 9,000 proxied connections."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))


def spawn(name, *command, **popen):
    return subprocess.Popen(in_namespace(name, *command), preexec_fn=_in_child, **popen)


def stop(process, patience=5.0):
    """SIGTERM, then SIGKILL if that does not end it in time."""
    if process is None or process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def client_address(index, family=4):
    return f"10.60.{index}.1" if family == 4 else f"fd60:{index}::1"


def gateway_address(index, family=4):
    return f"10.60.{index}.254" if family == 4 else f"fd60:{index}::254"


def second_gateway_address(index):
    return f"10.60.{index}.253"


def server_addresses(index, family=4):
    net = f"10.61.{index}." if family == 4 else f"fd61:{index}::"
    return [f"{net}{host}" for host in range(1, ENDPOINTS + 1)]


def server_networks(index):
    return [f"10.61.{index}.0/24", f"fd61:{index}::/64"]


def at_port(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def create(gateways):
    """gateways: {name: index}."""
    destroy()
    for name in ("client", "server", *gateways):
        run("ip", "netns", "add", PREFIX + name)
        run("ip", "-n", PREFIX + name, "link", "set", "lo", "up")
        for key, value in _SYSCTLS.items():
            set_sysctl(name, key, value)
    for name, index in gateways.items():
        for side in "client", "server":
            run("ip", "link", "add", side, "netns", PREFIX + name, "type", "veth", "peer", "name", f"gateway{index}",
                "netns", PREFIX + side)
            run("ip", "-n", PREFIX + name, "link", "set", side, "up")
            run("ip", "-n", PREFIX + side, "link", "set", f"gateway{index}", "up")
        _address(name, "client", second_gateway_address(index), 24)
        for family, length, server_net, client_net in ((4, 24, f"10.61.{index}.0", f"10.60.{index}.0"),
                                                       (6, 64, f"fd61:{index}::", f"fd60:{index}::")):
            inside = server_net.removesuffix("0") + "254"
            _address(name, "client", gateway_address(index, family), length)
            _address(name, "server", inside, length)
            _address("client", f"gateway{index}", client_address(index, family), length)
            for address in server_addresses(index, family):
                _address("server", f"gateway{index}", address, length)
            # Only direct routing uses these; a proxy's client talks to the gateway's own address.
            run("ip", "-n", PREFIX + "client", "route", "add", f"{server_net}/{length}", "via", gateway_address(index, family))
            run("ip", "-n", PREFIX + "server", "route", "add", f"{client_net}/{length}", "via", inside)


def _address(name, device, address, length):
    nodad = ["nodad"] if ":" in address else []
    run("ip", "-n", PREFIX + name, "address", "add", f"{address}/{length}", "dev", device, *nodad)


def offloads(name, index, on):
    """Segmentation and checksum offloads of a gateway's links; off, packets are what a wire of MTU 1500 carries."""
    state = "on" if on else "off"
    for space, device in ((name, "client"), (name, "server"), ("client", f"gateway{index}"), ("server", f"gateway{index}")):
        run(*in_namespace(space, "ethtool", "-K", device, "tso", state, "gso", state, "gro", state, "tx", state))


def destroy():
    """Takes away the namespaces, and the processes that a killed run may have left in them."""
    names = [line.split()[0] for line in run("ip", "netns", "list").stdout.splitlines() if line.startswith(PREFIX)]
    for name in names:
        for pid in run("ip", "netns", "pids", name, check=False).stdout.split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except ProcessLookupError:
                pass
    if names:
        time.sleep(0.1)
    for name in names:
        run("ip", "netns", "delete", name, check=False)
