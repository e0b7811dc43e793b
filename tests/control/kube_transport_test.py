#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A connection to an API server that dies without a word. No root needed."""

import socket
import subprocess
import unittest

from harness.relay import Relay
from harness.wait import eventually
from kube_following import KubeSource, service


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Connections(KubeSource):
    NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl http2;
        ssl_certificate {folder}/server.crt; ssl_certificate_key {folder}/server.key;
        location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1; proxy_buffering off; }}
    }}
}}
"""

    def make_certificate(self):
        subprocess.run(
            ["openssl", "req", "-x509", "-nodes", "-days", "2", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-subj", "/CN=server", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", self.folder / "server.key", "-out", self.folder / "server.crt"], check=True, capture_output=True)

    def start_proxy(self):
        """nginx in front of the stand-in: TLS and HTTP/2. Returns its port."""
        self.make_certificate()
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        configuration = self.folder / "nginx.conf"
        configuration.write_text(self.NGINX.format(folder=self.folder, port=port, upstream=self.api.port))
        nginx = subprocess.Popen(["/usr/sbin/nginx", "-e", self.folder / "error.log", "-c", configuration],
                                 stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (nginx.terminate(), nginx.wait()))
        eventually(lambda: listens(port), "nginx listens")
        return port

    def way(self):
        """The kubeconfig of a program that comes to the stand-in through a relay and nginx."""
        port = self.start_proxy()
        self.relay = Relay(port)
        self.addCleanup(self.relay.close)
        return self.kubeconfig(f"https://127.0.0.1:{self.relay.port}", cluster={"certificate-authority": "server.crt"})

    def test_a_dead_connection_is_not_used_again(self):
        self.api.page = 1  # if each were lost once, a list would not end within anyone's patience
        services = {f"default/s{i}": [i + 1] for i in range(20)}
        self.api.put(*[service(f"s{i}", i + 1) for i in range(20)])
        self.api.put(service("a"))
        follower = self.follow(self.way(), silence_ms=3000)
        self.wait_for_services(follower, services | {"default/a": [443]})
        eventually(lambda: self.api.count("services", "watch"), "services are watched")
        self.relay.silence()
        self.api.compact()
        self.api.delete(service("a"))
        self.wait_for_services(follower, services)

    def test_a_dead_connection_does_not_cost_the_lease(self):
        writer = self.write(self.way())
        writer.wait_for("it is the writer", lambda w: w.writer)
        self.relay.silence()
        renewals = self.api.count("leases", "patch")
        eventually(lambda: self.api.count("leases", "patch") >= renewals + 2, "it is renewed")
        self.assertNotIn("this agent writes them no longer", writer.log())


if __name__ == "__main__":
    unittest.main()
