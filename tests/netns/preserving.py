# SPDX-License-Identifier: Apache-2.0
"""What the tests of `preserve` share: backends that say whom they see, and more Gateways, each with its own source mode."""

import errno
import itertools
from contextlib import closing

from harness import V4, V6, Case, eventually, host_of, manifests
from harness.clients import connect
from harness.hello import made
from harness.nginx import PORT
from harness.servers import Server, read_exactly, read_to_end

HERE = "node-1"
GATEWAYS = {"second": "preserve", "strict": "preserve-only", "plain": "snat"}  # beside "gateway", which has the agent's mode


def teller(name):
    """A handler that says who it is and whom it sees, then echoes until it gets a Q."""
    def tell(connection):
        if not connection.recv(1 << 16):
            return
        address, port, *_ = connection.getpeername()
        connection.sendall(f"{name} {address.removeprefix('::ffff:')} {port}\n".encode())
        while (part := connection.recv(1 << 16)) and part != b"Q":
            connection.sendall(part)
    return tell


class Preserving(Case):
    """b1 is on the gateway's node, b2 on another, b3 on a third in a network that answers through the gateway's."""

    nginx = False
    backends = 3
    nodes = {"b1": HERE, "b2": "node-2", "b3": "node-3"}
    flags = ("--source-mode", "preserve", "--node-name", HERE, "--preserve-cidr", "10.2.3.0/24,fd00:2:3::/64",
             "--closing-time", "5s", "--connect-timeout", "500ms")
    _ports = itertools.count(25000)

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        for backend in cls.network.backends:
            cls.addClassCleanup(Server(backend, PORT, teller(backend.name)).close)

    @classmethod
    def write_manifests(cls):
        cls.vips = {"gateway": cls.network.vip}
        super().write_manifests()
        for number, (name, mode) in enumerate(GATEWAYS.items(), 2):
            cls.vips[name] = {V4: f"203.0.113.{number}", V6: f"2001:db8:113::{number}"}
            cls.write_gateway(name, mode)
        for name in "b1", "b2", "b3", "all":
            cls.write_route(name, {name: 1})

    @classmethod
    def write_gateway(cls, name, mode):
        made_gateway = manifests.gateway(cls.vips[name].values(), name=name, source_mode=mode)
        cls.agent.folder.write(name, [made_gateway] + ([manifests.gateway_class()] if name == "gateway" else []))

    @classmethod
    def write_route(cls, name, services):
        """NAME.example.com behind every Gateway."""
        cls.agent.folder.write(f"route-{name}", [manifests.tls_route(name, [host_of(name)], services, "gateway", *GATEWAYS)])

    def publish(self, name, addresses, port=PORT):
        """A route NAME.example.com to these addresses, all on the gateway's node."""
        self.agent.folder.write(f"backend-{name}", manifests.backend(name, addresses, port, dict.fromkeys(addresses, HERE)))
        self.write_route(name, {name: 1})
        eventually(lambda: any(e["value"]["hostname"] == host_of(name) for e in self.agent.dump("names")), f"{name} in the maps")

    def open(self, family, name, gateway="gateway", port=0, client=None):
        """A connection to NAME.example.com, from that port; as soon as an older one of the same ports is gone."""
        client = client or self.client
        def connected():
            try:
                return connect(client, (self.vips[gateway][family], 443), source=(client.address[family], port))
            except OSError as error:
                if error.errno != errno.EADDRNOTAVAIL:
                    raise
        connection = eventually(connected, "a free port")
        self.addCleanup(connection.close)
        connection.sendall(made(host_of(name)))
        return connection

    def told(self, connection):
        """Who answered and whom it sees: (name, address, port); None if the connection is refused."""
        line = b""
        try:
            while not line.endswith(b"\n"):
                part = connection.recv(1)
                self.assertTrue(part, "an answer")
                line += part
        except ConnectionResetError:
            return None
        name, address, port = line.decode().split()
        return name, address, int(port)

    def ask(self, *arguments, **options):
        """told() of a new connection, which is closed again; and the client's own address and port."""
        with closing(self.open(*arguments, **options)) as connection:
            return self.told(connection), connection.getsockname()[:2]

    def assert_alive(self, connection, text=b"still there"):
        connection.sendall(text)
        self.assertEqual(read_exactly(connection, len(text)), text)

    def server_closes(self, connection):
        """The server ends the connection first, so its end waits in TIME-WAIT."""
        connection.sendall(b"Q")
        self.assertEqual(read_to_end(connection), b"")
        connection.close()

    def next_port(self):
        """A port of the client that no other test uses."""
        return next(self._ports)

    @staticmethod
    def text(address, port):
        """As in the access log."""
        return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"

    def status(self, file):
        return (self.agent.status_dir / f"{file}.yaml").read_text()
