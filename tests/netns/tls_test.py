# SPDX-License-Identifier: Apache-2.0
"""TLS 1.2 and 1.3 of curl and openssl to nginx and openssl: the right backend answers, with its own certificate, over IPv4 and IPv6."""

from contextlib import closing

from harness import V6, Case, eventually, host_of, main, manifests
from harness.clients import certificate_of, curl, s_client, url_host
from harness.nginx import PORT as NGINX_PORT
from harness.sandbox import WORK

OPENSSL, OPENSSL_PORT = "openssl.example.com", NGINX_PORT + 1
SHARED, SET_PORT = "set.wild.example.com", 8444  # of two ListenerSets; every backend has a certificate for it
VERSIONS = {"1.2": ("--tls-max", "1.2", "-tls1_2", "TLSv1.2"), "1.3": ("--tlsv1.3", "--tls-max", "1.3", "-tls1_3", "TLSv1.3")}


class TlsDirect(Case):
    direct = True

    def test_curl_reaches_the_backend_of_the_name(self):
        for family in self.each_family():
            for version, (*options, _, _) in VERSIONS.items():
                for index, backend in enumerate(self.network.backends):
                    with self.subTest(version=version, backend=backend):
                        trust = self.certificates[backend.name]
                        answer = curl(self.client, self.target(family, index), host_of(backend), "/", *options, trust=trust)
                        self.assertEqual(answer.stdout, f"{backend}\n")

    def test_openssl_sees_the_certificate_of_the_backend(self):
        for family in self.each_family():
            for version, (*_, option, protocol) in VERSIONS.items():
                for index, backend in enumerate(self.network.backends):
                    with self.subTest(version=version, backend=backend):
                        output = s_client(self.client, self.target(family, index), option, name=host_of(backend))
                        self.assertIn(f"Protocol  : {protocol}" if version == "1.2" else f"New, {protocol}", output)
                        self.assertEqual(certificate_of(output), self.certificates[backend.name].der)

    def test_early_data_behind_the_hello(self):
        """0-RTT: the client sends 6 kB of request right behind its hello, before anything was acknowledged."""
        session, request = WORK / "session", WORK / "request"
        request.write_text(f"GET / HTTP/1.1\r\nHost: b1\r\nPadding: {'x' * 6000}\r\nConnection: close\r\n\r\n")
        for family in self.each_family():
            def ask(*options, send=""):
                return s_client(self.client, self.target(family), "-tls1_3", "-ign_eof", *options, name=host_of("b1"), send=send)
            session.unlink(missing_ok=True)
            self.assertIn("\nb1\n", ask("-sess_out", session, send="GET / HTTP/1.0\r\n\r\n"))
            output = ask("-sess_in", session, "-early_data", request)
            self.assertIn("Early data was accepted", output)
            self.assertIn("\nb1\n", output)

    def test_openssl_as_the_server(self):
        """It sends back each line from its end to its beginning."""
        self.publish_openssl()
        for family in self.each_family():
            for version, (*_, option, protocol) in VERSIONS.items():
                with self.subTest(version=version), closing(self.s_server(family, option, "-rev")):
                    output = s_client(self.client, self.openssl_target(family), option, "-ign_eof", name=OPENSSL, send="desrever\nCLOSE\n")
                    self.assertIn("\nreversed\n", output)
                    self.assertIn(f"Protocol  : {protocol}" if version == "1.2" else f"New, {protocol}", output)
                    self.assertEqual(certificate_of(output), self.certificates["b2"].der)

    def s_server(self, family, *options):
        """openssl's own server, on b2; what it gets and says is in its log. Ended by the caller, or with the test."""
        certificate, version = self.certificates["b2"], "6" if family == V6 else "4"
        log = WORK / "s_server"
        log.unlink(missing_ok=True)
        server = self.network.backends[1].start(
            "openssl", "s_server", f"-{version}", "-accept", OPENSSL_PORT, "-cert", certificate.certificate, "-key", certificate.key,
            *options, log=log)
        self.addCleanup(server.close)
        eventually(lambda: "ACCEPT" in server.log_text(), "s_server listens")
        return server

    def openssl_target(self, family):
        return (self.network.backends[1].address[family], OPENSSL_PORT) if self.direct else self.target(family)

    def test_early_data_to_openssl(self):
        """The same with openssl's own server, which prints what it gets."""
        self.publish_openssl()
        for family in self.each_family():
            version = "6" if family == V6 else "4"
            session, request = (WORK / f"openssl-{name}-{version}" for name in ("session", "request"))
            server = self.s_server(family, "-tls1_3", "-early_data", "-no_anti_replay")
            request.write_text(f"early data over IPv{version}\n")
            address, target_port = self.openssl_target(family)
            command = ["openssl", "s_client", "-connect", f"{url_host(address)}:{target_port}", "-servername", OPENSSL, "-tls1_3"]
            first = self.client.start(*command, "-sess_out", session, log=WORK / f"s_client-{version}")
            eventually(lambda: session.exists() and "END SSL SESSION" in session.read_text(), "session ticket")
            first.close()
            second = self.client.start(*command, "-sess_in", session, "-early_data", request, log=WORK / f"s_client-{version}")
            eventually(lambda: request.read_text() in server.log_text(), "early data at the server")
            eventually(lambda: "Early data was accepted" in second.log_text(), "early data accepted")
            second.close()
            server.close()

    def publish_openssl(self):
        """Nothing to publish for the control."""


class Tls(TlsDirect):
    direct = False

    def test_listener_sets_serve_the_first_and_the_next_takes_over(self):
        folder, vips = self.agent.folder, self.network.vip.values()
        self.addCleanup(folder.write, "gateway", [manifests.gateway_class(), manifests.gateway(vips)])
        folder.write("gateway", [manifests.gateway_class(), manifests.gateway(vips, listener_sets="Same")])
        for name, backend in ("first", "b1"), ("second", "b2"):
            route = manifests.tls_route(f"set-{name}", [SHARED], {backend: 1}, name, parent_kind="ListenerSet")
            folder.write(f"set-{name}", [manifests.listener_set(name, SET_PORT, SHARED), route])
        self.addCleanup(folder.remove, "set-second")
        self.answers_at_set_port("b1")
        status = self.agent.status_dir / "listenerset_default_second.yaml"
        eventually(lambda: status.exists() and "reason: HostnameConflict" in status.read_text(), "the status names the conflict")
        folder.remove("set-first")
        self.answers_at_set_port("b2")
        eventually(lambda: "Conflict" not in status.read_text(), "the conflict is over")

    def answers_at_set_port(self, backend):
        """Both families get to it, with its own certificate; what the Gateway itself serves is served as before."""
        for family in self.each_family():
            def ask(target, host, trust):
                return curl(self.client, target, host, trust=self.certificates[trust], check=False).stdout
            target = self.network.vip[family], SET_PORT
            eventually(lambda: ask(target, SHARED, backend) == f"{backend}\n", f"{backend} serves the ListenerSet's port")
            self.assertEqual(ask(self.target(family), host_of("b1"), "b1"), "b1\n")

    def publish_openssl(self):
        self.write_backend("openssl", self.network.backends[1:], OPENSSL_PORT)
        self.agent.folder.write("route-openssl", [manifests.tls_route("openssl", [OPENSSL], {"openssl": 1})])
        eventually(lambda: any(e["value"]["hostname"] == OPENSSL for e in self.agent.dump("names")), f"{OPENSSL} in the maps")

    def test_upper_case_or_a_trailing_dot_make_no_other_name(self):
        for family in self.each_family():
            for name in "B2.Example.COM", "b2.example.com.":
                with self.subTest(name=name):
                    output = s_client(self.client, self.target(family), name=name)
                    self.assertEqual(certificate_of(output), self.certificates["b2"].der)


if __name__ == "__main__":
    main()
