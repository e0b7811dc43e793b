# SPDX-License-Identifier: Apache-2.0
"""The world most tests share: two clients, a gateway with slipgated, backends with nginx, and a route to each."""

import sys
import unittest

from . import certificates, manifests, sandbox
from .nginx import PORT as NGINX_PORT
from .nginx import Nginx
from .servers import Server, echo, over_tls
from .slipgated import Slipgated
from .topology import FAMILIES, FAMILY_NAMES, Network

VIP_PORT = 443
SPREAD = "all.example.com"  # the route over all backends


def host_of(backend):
    return f"{backend}.example.com"


class Case(unittest.TestCase):
    """
    Backend bN serves bN.example.com through a Service bN and a TLSRoute bN; all.example.com goes to the Service `all` of
    all backends. With `direct`, no agent runs and clients connect to a backend's own address: a control that shows that
    the test itself, and the network it makes, are sound.
    """

    backends = 2
    clients = 1
    wires = False
    mtu = 1500
    direct = False
    nginx = True
    echo = False  # backends send back what they get, in the place of nginx
    tls_echo = False  # the same inside TLS, each with its own certificate
    flags = ()  # of slipgated
    nodes = {}  # by name of a backend: its node in EndpointSlices
    _over = ""

    @classmethod
    def setUpClass(cls):
        cls.network = Network(cls.clients, cls.backends, cls.wires, cls.mtu)
        cls.addClassCleanup(cls.network.close)
        cls.client, cls.gateway = cls.network.clients[0], cls.network.gateway
        cls.certificates = {}
        for backend in cls.network.backends:
            hosts = [host_of(backend), SPREAD, "*.wild.example.com"]
            cls.certificates[backend.name] = certificates.make(backend.name, hosts)
            if cls.echo:
                cls.addClassCleanup(Server(backend, NGINX_PORT, echo).close)
            elif cls.tls_echo:
                cls.addClassCleanup(Server(backend, NGINX_PORT, over_tls(cls.certificates[backend.name], echo)).close)
            elif cls.nginx:
                cls.addClassCleanup(Nginx(backend, cls.certificates[backend.name]).close)
        if not cls.direct:
            cls.agent = Slipgated(cls.gateway, cls.flags)
            cls.write_manifests()
            cls.addClassCleanup(cls.agent.close)
            cls.agent.start()

    @classmethod
    def write_manifests(cls):
        folder = cls.agent.folder
        folder.write("gateway", [manifests.gateway_class(), manifests.gateway(cls.network.vip.values(), VIP_PORT)])
        for backend in cls.network.backends:
            cls.write_backend(backend.name, [backend])
            folder.write(f"route-{backend}", [manifests.tls_route(backend.name, [host_of(backend)], {backend.name: 1})])
        cls.write_backend("all", cls.network.backends)
        folder.write("route-all", [manifests.tls_route("all", [SPREAD], {"all": 1})])

    @classmethod
    def write_backend(cls, name, hosts, port=NGINX_PORT):
        """The Service `name` with these hosts as endpoints."""
        addresses = {host.address[family]: cls.nodes.get(host.name) for host in hosts for family in FAMILIES}
        cls.agent.folder.write(f"backend-{name}", manifests.backend(name, addresses, port, addresses))

    def target(self, family, backend=0):
        """Where clients connect to for a backend: (address, port)."""
        if self.direct:
            return self.network.backends[backend].address[family], NGINX_PORT
        return self.network.vip[family], VIP_PORT

    def each_family(self):
        for family in FAMILIES:
            self._over = f" over {FAMILY_NAMES[family]}"
            yield family
        self._over = ""

    def __str__(self):
        """The name in reports: a test that fails between two families says where."""
        return super().__str__() + self._over


class Counting:
    """Counters of slipgated before and after: `with Counting(agent) as counted: ...; counted["no_route"]`."""

    def __init__(self, agent):
        self._agent = agent

    def __enter__(self):
        self._before = self._agent.counters()
        return self

    def __exit__(self, *_):
        pass

    def __getitem__(self, name):
        return self._agent.counters()[name] - self._before[name]


def main():
    """Runs the tests of the calling file inside the sandbox; what the agents logged is shown if one fails."""
    sandbox.enter()
    result = unittest.main(verbosity=2, exit=False).result
    if not result.wasSuccessful():
        for agent in Slipgated.started:
            if agent.log.exists():
                print(f"--- {agent.log.name}", agent.log.read_text()[-8000:], sep="\n", file=sys.stderr)
    sys.stderr.flush()
    sys.exit(not result.wasSuccessful())
