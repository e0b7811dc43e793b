# SPDX-License-Identifier: Apache-2.0
"""What is compared: each gateway starts in its own namespace, says which addresses the client aims at and what it holds.

The proxies run with the settings their manuals recommend for TCP, one thread or worker per processor, their buffers at
the default size, and enough descriptors; access logs are off everywhere.
"""

import json
import os
import subprocess

from . import https, memory, network
from .manifests import bench_objects

SNI = "bench.example.com"
SOURCE_PORTS = "8192-65535"  # Slipgate's own; the kernel's ephemeral ports stay below


class Gateway:
    """Direct routing: the namespace forwards, nothing runs in it. The others override what differs."""

    name = "direct"
    workloads = None  # names of those it takes part in; none: all

    def __init__(self, index, directory, binaries):
        self.index = index
        self.directory = os.path.join(directory, self.name)
        self.binaries = binaries
        self.process = None
        os.makedirs(self.directory, exist_ok=True)

    def targets(self, family=4):
        """What the load generator aims at, ADDRESS:PORT each."""
        return [network.at_port(address, network.SERVER_PORT) for address in network.server_addresses(self.index, family)]

    def https_target(self):
        """Where real HTTPS through this gateway goes; None: not compared."""
        return network.server_addresses(self.index)[0]

    def takes_part(self, workload):
        """Is it compared in the workload of that name?"""
        if workload == https.WORKLOAD:
            return self.https_target() is not None
        return self.workloads is None or workload in self.workloads

    def start(self):
        pass

    def stop(self):
        network.stop(self.process)
        self.process = None

    def remove(self):
        self.stop()

    def process_memory(self):
        """Bytes: the proportional set size of the gateway's processes."""
        return sum(memory.pss(pid) for pid in _tree(self.process.pid)) if self.process else 0

    def map_memory(self):
        """Bytes the kernel holds for the BPF maps of the gateway's processes."""
        return 0

    @property
    def log_file(self):
        return os.path.join(self.directory, "log")

    def _spawn(self, *command):
        with open(self.log_file, "ab") as log:
            self.process = network.spawn(self.name, *command, stdout=log, stderr=subprocess.STDOUT)

    def _write(self, file, text):
        path = os.path.join(self.directory, file)
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        return path


class Proxy(Gateway):
    def targets(self, family=4):
        return [network.at_port(network.gateway_address(self.index, family), network.PORT)]

    def https_target(self):
        return None


class Slipgate(Proxy):
    """Source mode snat: the server sees the gateway's address."""

    name = "slipgate"

    def options(self):
        return ()

    def https_target(self):
        return network.gateway_address(self.index)

    def start(self):
        first = int(SOURCE_PORTS.split("-", maxsplit=1)[0])
        network.set_sysctl(self.name, "net.ipv4.ip_local_port_range", f"1024 {first - 1}")
        manifests = os.path.join(self.directory, "manifests")
        bpffs = os.path.join(self.directory, "bpffs")
        os.makedirs(manifests, exist_ok=True)
        os.makedirs(bpffs, exist_ok=True)
        if not os.path.ismount(bpffs):
            network.run("mount", "-t", "bpf", "bpf", bpffs)
        self._write("manifests/bench.yaml", bench_objects(self.index, SNI))
        self._spawn(os.path.join(self.binaries, "slipgated"), "--manifests", manifests, "--pin-dir",
                    os.path.join(bpffs, "slipgate"), "--interface", "client,server", "--source-ports", SOURCE_PORTS,
                    "--access-log", "off", "--log-level", "info", *self.options())

    def remove(self):
        bpffs = os.path.join(self.directory, "bpffs")
        self.stop()
        if os.path.ismount(bpffs):
            uninstall = [os.path.join(self.binaries, "slipgated"), "--uninstall", "--pin-dir", f"{bpffs}/slipgate"]
            network.run(*network.in_namespace(self.name, *uninstall), check=False)
            network.run("umount", bpffs, check=False)

    def program_statistics(self):
        """(runs, nanoseconds) of the entry program since it was loaded, counted while kernel.bpf_stats_enabled is 1."""
        link = network.run("bpftool", "-j", "link", "show", "pinned", f"{self.directory}/bpffs/slipgate/links/client")
        program = network.run("bpftool", "-j", "prog", "show", "id", str(json.loads(link.stdout)["prog_id"]))
        statistics = json.loads(program.stdout)
        return statistics.get("run_cnt", 0), statistics.get("run_time_ns", 0)

    def map_memory(self):
        return memory.bpf_maps(self.process.pid)


class SlipgatePreserve(Slipgate):
    """The server sees the client's address and port. That is the opening's matter: established, packets take the same path."""

    name = "slipgate-preserve"
    workloads = "crr", "crr_2seg", "crr_ipv6", "rr1", "rr32", "down8_wire", "up8_wire"

    def https_target(self):
        return None

    def options(self):
        """preserve-only, so that no connection falls back unseen."""
        return "--source-mode", "preserve-only", "--preserve-cidr", ",".join(network.server_networks(self.index))


class Haproxy(Proxy):
    name = "haproxy"
    splice = "option splice-auto"  # spliced when HAProxy's own estimate says so
    tune = ""

    def start(self):
        config = self._write("haproxy.cfg", f"""
global
    maxconn 9500
    maxpipes 256
    {self.tune}
defaults
    mode tcp
    {self.splice}
    timeout connect 5s
    timeout client 1h
    timeout server 1h
{self._proxy(4)}{self._proxy(6)}""")
        self._spawn("haproxy", "-db", "-f", config)

    def _proxy(self, family):
        servers = "\n".join(f"    server s{i} {address}" for i, address in enumerate(Gateway.targets(self, family)))
        return f"""frontend tls{family}
    bind {self.targets(family)[0]} backlog 16384
    tcp-request inspect-delay 5s
    tcp-request content accept if {{ req_ssl_hello_type 1 }}
    use_backend servers{family} if {{ req_ssl_sni -i {SNI} }}
backend servers{family}
    balance roundrobin
{servers}
"""


class HaproxySplice(Haproxy):
    name = "haproxy-splice"
    splice = "option splice-request\n    option splice-response"
    tune = "tune.pipesize 1048576"


class Nginx(Proxy):
    """Passes TLS through; real HTTPS it ends here, as the tutorial's other Gateway does."""

    name = "nginx"

    def https_target(self):
        return network.second_gateway_address(self.index)

    def start(self):
        config = self._write("nginx.conf", f"""
load_module /usr/lib/nginx/modules/ngx_stream_module.so;
daemon off;
worker_processes auto;
worker_rlimit_nofile {network.OPEN_FILES};
pid {self.directory}/pid;
events {{ worker_connections 32768; }}
stream {{
{self._server(4)}{self._server(6)}}}
{https.terminating_nginx(f"{self.directory}/../https", network.second_gateway_address(self.index), network.server_addresses(self.index))}
""")
        self._spawn("nginx", "-p", self.directory, "-e", self.log_file, "-c", config)

    def _server(self, family):
        servers = "\n".join(f"        server {address};" for address in Gateway.targets(self, family))
        return f"""    map $ssl_preread_server_name $service{family} {{ {SNI} servers{family}; }}
    upstream servers{family} {{
{servers}
    }}
    server {{
        listen {self.targets(family)[0]} backlog=16384;
        ssl_preread on;
        proxy_timeout 1h;
        proxy_pass $service{family};
    }}
"""


ALL = [Gateway, Slipgate, SlipgatePreserve, Haproxy, HaproxySplice, Nginx]


def _tree(pid):
    """The process and its descendants; all of a gateway's workers are children of its first process."""
    pids = [pid]
    for parent in pids:
        try:
            with open(f"/proc/{parent}/task/{parent}/children", encoding="ascii") as children:
                pids += [int(child) for child in children.read().split()]
        except FileNotFoundError:
            continue
    return pids
