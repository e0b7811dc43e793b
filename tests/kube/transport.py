# SPDX-License-Identifier: Apache-2.0
"""Tests of Source: how it reaches an API server. TLS, HTTP/2 and HTTP/1.1, client certificates, connections that die."""

import json
import shutil
import subprocess
from urllib.parse import urlsplit

from harness import certificates, eventually, manifests
from harness.kube import PATIENCE, base
from harness.kube.control_plane import SERVER
from harness.relay import Relay
from harness.sandbox import WORK

KINDS = ("GatewayClass", "Gateway", "ListenerSet", "TLSRoute", "ReferenceGrant", "Namespace", "Node", "Service", "EndpointSlice",
         "ServiceCIDR", "CustomResourceDefinition")
PORT = 8443
PROXY = """
daemon off; user root; worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;
events {{ }}
http {{
    log_format plain "$connection $server_protocol";
    access_log {folder}/access.log plain;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port} ssl;
        ssl_certificate {certificate}; ssl_certificate_key {key};
        location / {{ proxy_pass {server}; proxy_http_version 1.1; proxy_buffering off; }}
    }}
}}
"""


class Transport:
    def kubeconfig(self, name, cluster=None, user=None):
        """The administrator's with other entries, None for none."""
        made = json.loads(self.kubectl.kubeconfig.read_text())
        for part, changes in ((made["clusters"][0]["cluster"], cluster), (made["users"][0]["user"], user)):
            part |= changes or {}
            for key in [key for key, value in part.items() if value is None]:
                del part[key]
        file = WORK / f"{name}.kubeconfig"
        file.write_text(json.dumps(made))
        return file

    def expect_followed(self, follower):
        follower.wait_for("all kinds are followed", lambda f: f.states and set(f.followed.values()) == {True})
        self.apply(manifests.service("a"))
        follower.wait_for("a new Service", lambda f: "default/a" in f.of("Service"))

    def test_one_http_2_connection_carries_everything(self):
        self.expect_followed(self.follow())
        open_ones = self.gateway.run("ss", "-Htnp", "state", "established", "dport", "=", ":6443").stdout.splitlines()
        self.assertEqual(len([line for line in open_ones if "kube_follow" in line]), 1, open_ones)

    def test_http_1_1_works_too(self):
        folder = WORK / "proxy"
        folder.mkdir()
        ours = certificates.make("proxy", ["proxy"], ["127.0.0.1"])
        (folder / "nginx.conf").write_text(PROXY.format(
            folder=folder, port=PORT, certificate=ours.certificate, key=ours.key, server=SERVER))
        nginx = self.gateway.start("nginx", "-e", folder / "error.log", "-c", folder / "nginx.conf", log=folder / "output")
        self.addCleanup(nginx.close)
        eventually(lambda: self.gateway.run("ss", "-Hltn", "sport", "=", f":{PORT}").stdout, "nginx listens", PATIENCE)
        self.expect_followed(self.follow(self.kubeconfig("proxied", {
            "server": f"https://127.0.0.1:{PORT}", "certificate-authority": str(ours.certificate)})))
        answered = [line.split() for line in (folder / "access.log").read_text().splitlines()]
        self.assertEqual({protocol for _, protocol in answered}, {"HTTP/1.1"})
        self.assertGreater(len({connection for connection, _ in answered}), 1)

    def test_a_client_certificate_is_enough(self):
        operator = self.control_plane.operator
        self.kubectl("create", "clusterrolebinding", "operator", "--clusterrole=cluster-admin", "--user=operator")
        self.addCleanup(self.kubectl, "delete", "clusterrolebinding", "operator")
        self.expect_followed(self.follow(self.kubeconfig("operator", user={
            "token": None, "client-certificate": str(operator.certificate), "client-key": str(operator.key)})))

    def trusted_by_the_system(self, certificate):
        """A command that runs another one where the system's certificates are this one."""
        store = WORK / "store"
        store.mkdir(exist_ok=True)
        shutil.copy(certificate, store / "ca-certificates.crt")
        subprocess.run(["openssl", "rehash", store], check=True)
        return self.gateway.command("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/ssl/certs && exec "$@"', store)

    def certificate_of_the_server(self):
        return json.loads(self.kubectl.kubeconfig.read_text())["clusters"][0]["cluster"]["certificate-authority"]

    def test_without_a_ca_those_of_the_system_are_trusted(self):
        within = self.trusted_by_the_system(self.certificate_of_the_server())
        self.expect_followed(self.follow(self.kubeconfig("without-ca", {"certificate-authority": None}), within=within))

    def test_a_ca_of_the_kubeconfig_stands_in_place_of_those_of_the_system(self):
        stranger = certificates.make("stranger", ["stranger"])
        follower = self.follow(self.kubeconfig("other-ca", {"certificate-authority": str(stranger.certificate)}),
                               within=self.trusted_by_the_system(self.certificate_of_the_server()))
        follower.wait_for("the reason", lambda f: f.missing and "certificate" in f.missing)
        self.assertEqual(follower.states, [])

    def test_a_server_that_is_none_has_no_state(self):
        """404 is all that it answers."""
        follower = self.follow(self.kubeconfig("elsewhere", {"server": f"{SERVER}/elsewhere"}))
        follower.wait_for("each kind is missing", lambda f: f.missing and all(f"{kind} (" in f.missing for kind in KINDS))
        self.assertEqual(follower.states, [])

    def through_a_relay(self):
        """Connections that die without a word when it is silenced, as behind a firewall that forgot them: relay and kubeconfig."""
        with self.gateway.entered():
            relay = Relay(urlsplit(SERVER).port)
        self.addCleanup(relay.close)
        return relay, self.kubeconfig("relayed", {"server": f"https://127.0.0.1:{relay.port}"})

    def test_a_dead_connection_is_not_used_again(self):
        relay, kubeconfig = self.through_a_relay()
        follower = self.follow(kubeconfig, silence_ms=3000)
        self.expect_followed(follower)
        relay.silence()
        self.kubectl("delete", "service", "a")
        follower.wait_for("what changed", lambda f: "default/a" not in f.of("Service"))
        self.assertIn("the API server is silent", follower.log())

    def test_a_dead_connection_does_not_cost_the_lease(self):
        relay, kubeconfig = self.through_a_relay()
        self.apply_served("web")
        writer = self.write(kubeconfig)
        writer.wait_for("it is the writer", lambda w: w.writer)
        relay.silence()
        for _ in range(2):
            before = self.renewed()
            eventually(lambda: self.renewed() != before, "it is renewed", PATIENCE)
        self.assertNotIn("this agent writes them no longer", writer.log())

    def renewed(self):
        return self.kubectl.json("get", "lease", base.LEASE, "--namespace", base.NAMESPACE)["spec"]["renewTime"]
