# SPDX-License-Identifier: Apache-2.0
"""Routes to addresses of the test's choice: what the tests of endpoints and of the host share."""

from contextlib import suppress

from harness import FAMILIES, Case, eventually, manifests
from harness.clients import connect
from harness.hello import made
from harness.nginx import PORT


class RoutedCase(Case):
    echo = True
    backends = 2
    flags = ("--closing-time", "2s", "--connect-timeout", "500ms")

    def restart(self, *flags):
        """With these flags instead of the usual ones, until the end of the test."""
        def again(chosen):
            self.agent.terminate()
            self.agent.flags = chosen
            self.agent.start()
        self.addCleanup(again, self.flags)
        again(flags)

    def publish(self, name, backends, weights=None):
        """A route `name`.example.com; `backends`: {Service: addresses}."""
        for service, addresses in backends.items():
            self.agent.folder.write(f"backend-{service}", manifests.backend(service, addresses, PORT))
        host = f"{name}.example.com"
        self.agent.folder.write(f"route-{name}", [manifests.tls_route(name, [host], weights or dict.fromkeys(backends, 1))])
        eventually(lambda: any(e["value"]["hostname"] == host for e in self.agent.dump("names")), f"{host} in the maps")
        return host

    def ask(self, family, host):
        """An open connection through `host`, None if it was refused."""
        connection = connect(self.client, self.target(family))
        with suppress(ConnectionResetError):
            connection.sendall(made(host))
            if connection.recv(4096):
                return connection
        connection.close()
        return None

    def excluded(self, name):
        """The condition of the route `name` about endpoints that are left out; None: there is none."""
        return self.agent.conditions("TLSRoute", name).get(("gateway", "slipgate.dev/EndpointsExcluded"))

    def addresses(self, number):
        return [self.network.backends[number].address[family] for family in FAMILIES]
