# SPDX-License-Identifier: Apache-2.0
"""Clients: curl, openssl s_client, and sockets whose TLS records the test sends itself."""

import re
import socket
import ssl




def url_host(address):
    return f"[{address}]" if ":" in address else address


def curl(client, target, name, path="/", *options, timeout=300, check=True, trust=None):
    """curl to https://name/path at target=(address, port). The certificate must be `trust`'s, where given."""
    address, port = target
    verify = ["--cacert", trust.certificate] if trust else ["--insecure"]
    return client.run("curl", "--silent", "--show-error", "--noproxy", "*", *verify,
                      "--connect-to", f"{name}:443:{url_host(address)}:{port}",
                      *options, f"https://{name}{path}", timeout=timeout, check=check)


def s_client(client, target, *options, name=None, send="", timeout=60):
    """openssl s_client; returns what it printed, the server's certificate included."""
    address, port = target
    server_name = ["-servername", name] if name else ["-noservername"]
    done = client.run("openssl", "s_client", "-connect", f"{url_host(address)}:{port}", *server_name, *options,
                      input=send, timeout=timeout, check=False)
    return done.stdout + done.stderr


def certificate_of(output):
    """The server certificate (DER) in the output of s_client."""
    found = re.search("-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", output, re.DOTALL)
    return ssl.PEM_cert_to_DER_cert(found.group()) if found else None


def connect(client, target, timeout=120, **options):
    """A TCP connection from inside the client's namespace. Options: receive_buffer, source=(address, port)."""
    family = socket.AF_INET6 if ":" in target[0] else socket.AF_INET
    connection = client.socket(family)
    connection.settimeout(timeout)
    if "receive_buffer" in options:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, options["receive_buffer"])
    if "source" in options:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        connection.bind(options["source"])
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        connection.connect(target)
    except OSError:
        connection.close()
        raise
    return connection


def tls_context(trust=()):
    """The server must have one of the certificates of `trust`, where there are any, and it must be valid for the name asked."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if trust:
        for one in trust:
            context.load_verify_locations(one.certificate)
    else:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def peer_name(session):
    """Who answered: the common name of the verified certificate."""
    subject = dict(attribute for (attribute,) in session.getpeercert()["subject"])
    return subject["commonName"]


def tls(client, target, name, trust=(), **options):
    """A TLS connection (ssl.SSLSocket) with that server name."""
    return tls_context(trust).wrap_socket(connect(client, target, **options), server_hostname=name)


class ChosenSegments:
    """
    A TLS client whose ClientHello the test cuts into segments: `hello` is what it would send, at least `size` bytes, and
    `send()` sends a part.
    """

    def __init__(self, client, target, name, size=0, trust=()):
        self._context = tls_context(trust)
        if size:
            self._context.set_alpn_protocols(["http/1.1"] + [f"{n:0>200}" for n in range(-(-size // 201))])
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = self._context.wrap_bio(self._in, self._out, server_hostname=name)
        self._step(self._tls.do_handshake)
        self.hello = self._out.read()
        self.connection = connect(client, target)

    def send(self, data):
        self.connection.sendall(data)

    def request(self, text):
        """Completes the handshake, sends `text` and returns all that comes back until the server closes."""
        self._drive(self._tls.do_handshake)
        self._tls.write(text.encode())
        received = b""
        while part := self._drive(lambda: self._tls.read(1 << 16)):
            received += part
        return received.decode()

    def _drive(self, operation):
        while True:
            done, result = self._step(operation)
            self.connection.sendall(self._out.read())
            if done:
                return result
            part = self.connection.recv(1 << 16)
            if not part:
                return b""
            self._in.write(part)

    @staticmethod
    def _step(operation):
        try:
            return True, operation()
        except ssl.SSLWantReadError:
            return False, None

    def close(self):
        self.connection.close()
