#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How the Kubernetes source reaches an API server: TLS, HTTP/2 and HTTP/1.1, and credentials. No root needed."""

import shutil
import socket
import subprocess
import unittest

from harness.relay import Relay
from harness.wait import eventually
from kube_following import KubeSource, service


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Protocols(KubeSource):
    NGINX = """
daemon off; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
    log_format plain "$ssl_client_s_dn $connection $server_protocol $uri";
    access_log {folder}/access.log plain;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl {protocol};
        ssl_certificate {folder}/server.crt; ssl_certificate_key {folder}/server.key;
        ssl_client_certificate {folder}/client.crt; ssl_verify_client on;
        location / {{ proxy_pass http://127.0.0.1:{upstream}; proxy_http_version 1.1; proxy_buffering off; }}
    }}
}}
"""

    def make_certificate(self, name):
        if (self.folder / f"{name}.crt").exists():
            return
        subprocess.run(
            ["openssl", "req", "-x509", "-nodes", "-days", "2", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1",
             "-keyout", self.folder / f"{name}.key", "-out", self.folder / f"{name}.crt"], check=True, capture_output=True)

    def start_proxy(self, protocol):
        """nginx in front of the stand-in: TLS, client certificates and HTTP/2. Returns its port."""
        for name in "server", "client", "stranger":
            self.make_certificate(name)
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        configuration = self.folder / "nginx.conf"
        configuration.write_text(self.NGINX.format(folder=self.folder, port=port, protocol=protocol, upstream=self.api.port))
        nginx = subprocess.Popen(["/usr/sbin/nginx", "-e", self.folder / "error.log", "-c", configuration],
                                 stderr=subprocess.DEVNULL)
        self.addCleanup(lambda: (nginx.terminate(), nginx.wait()))
        eventually(lambda: listens(port), "nginx listens")
        return port

    def way(self, protocol, user="client", ca="server"):
        """The kubeconfig of a program that comes to the stand-in through a relay and nginx."""
        port = self.start_proxy(protocol)
        self.relay = Relay(port)
        self.addCleanup(self.relay.close)
        return self.kubeconfig(f"https://127.0.0.1:{self.relay.port}", {"client-certificate": f"{user}.crt", "client-key": f"{user}.key"},
                               {"certificate-authority": f"{ca}.crt"} if ca else {})

    def follow_over_tls(self, protocol, user="client", ca="server", **options):
        self.api.put(service("a"))
        return self.follow(self.way(protocol, user, ca), **options)

    def requests_seen(self):
        """{(client, connection, protocol, path)} of the requests that are over."""
        log = self.folder / "access.log"
        return {tuple(line.split()) for line in log.read_text().splitlines()} if log.exists() else set()

    def check(self, protocol, version):
        follower = self.follow_over_tls(protocol)
        self.wait_for_services(follower, {"default/a": [443]})
        self.change_and_see(follower)
        self.api.end_watches("services", "in order")
        eventually(lambda: self.api.count("services", "watch") == 2, "watched again")
        seen = eventually(self.requests_seen, "requests in the log")
        self.assertEqual({(client, used) for client, _, used, _ in seen}, {("CN=client", version)})
        return {connection for _, connection, _, _ in seen}

    def test_a_dead_connection_is_not_used_again(self):
        self.api.page = 1  # if each were lost once, a list would not end within anyone's patience
        services = {f"default/s{i}": [i + 1] for i in range(20)}
        self.api.put(*[service(f"s{i}", i + 1) for i in range(20)])
        follower = self.follow_over_tls("http2", silence_ms=3000)
        self.wait_for_services(follower, services | {"default/a": [443]})
        eventually(lambda: self.api.count("services", "watch"), "services are watched")
        self.relay.silence()
        self.api.compact()
        self.api.delete(service("a"))
        self.wait_for_services(follower, services)

    def test_a_dead_connection_does_not_cost_the_lease(self):
        writer = self.write(self.way("http2"))
        writer.wait_for("it is the writer", lambda w: w.writer)
        self.relay.silence()
        renewals = self.api.count("leases", "patch")
        eventually(lambda: self.api.count("leases", "patch") >= renewals + 2, "it is renewed")
        self.assertNotIn("this agent writes them no longer", writer.log())

    def test_http_2_shares_one_connection(self):
        self.assertEqual(len(self.check("http2", "HTTP/2.0")), 1)

    def test_http_1_1_works_too(self):
        self.assertGreater(len(self.check("", "HTTP/1.1")), 1)

    def trusted_by_the_system(self, name):
        """A command that runs another one where the system's certificates are this one."""
        self.make_certificate(name)
        store = self.folder / "store"
        store.mkdir()
        shutil.copy(self.folder / f"{name}.crt", store / "ca-certificates.crt")
        subprocess.run(["openssl", "rehash", store], check=True)
        return ["unshare", "--map-root-user", "--mount", "sh", "-c",
                'mount --bind "$0" /etc/ssl/certs && exec "$@"', store]

    def test_a_ca_of_the_kubeconfig_stands_in_place_of_those_of_the_system(self):
        follower = self.follow_over_tls("http2", ca="stranger", within=self.trusted_by_the_system("server"))
        follower.wait_for("the reason", lambda f: f.missing and "certificate" in f.missing)
        self.assertEqual(self.requests_seen(), set())

    def test_without_a_ca_those_of_the_system_are_trusted(self):
        follower = self.follow_over_tls("http2", ca=None, within=self.trusted_by_the_system("server"))
        self.wait_for_services(follower, {"default/a": [443]})

    def test_a_foreign_client_certificate_is_refused(self):
        follower = self.follow_over_tls("http2", user="stranger")
        follower.wait_for("the refusal", lambda f: f.missing and "400" in f.missing)
        self.assertEqual(follower.states, [])


if __name__ == "__main__":
    unittest.main()
