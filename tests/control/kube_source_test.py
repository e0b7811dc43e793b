#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The Kubernetes source against a stand-in API server that plays faults. No root needed."""

import json
import os
import queue
import socket
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from harness import manifests
from harness.api_server import GATEWAY_API, ApiServer, status
from harness.wait import PATIENCE, eventually

PROGRAM = Path(os.environ["SLIPGATE_BUILD"], "bin/kube_follow")
NEVER = 10 * PATIENCE * 1000  # ms; silence of a healthy server must not end a test


def service(name, port=443):
    made = manifests.service(name)
    made["spec"]["ports"][0]["port"] = port
    return made


def listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Follower:
    """kube_follow, and the last that it said."""

    def __init__(self, folder, server, user=None, cluster=None, silence_ms=NEVER):
        kubeconfig = Path(folder, "kubeconfig")
        kubeconfig.write_text(json.dumps({
            "current-context": "test",
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
            "clusters": [{"name": "test", "cluster": {"server": server, **(cluster or {})}}],
            "users": [{"name": "test", "user": user or {}}]}))
        self.states, self.missing = [], None
        self._log = Path(folder, "log").open("w+b")
        self._process = subprocess.Popen([PROGRAM, kubeconfig, str(silence_ms)], stdout=subprocess.PIPE, stderr=self._log)
        self._lines = queue.SimpleQueue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self._process.stdout:
            self._lines.put(json.loads(line))

    def _update(self):
        while not self._lines.empty():
            said = self._lines.get()
            if "state" in said:
                self.states.append(said["state"])
            else:
                self.missing = said["missing"]

    def wait_for(self, what, condition):
        """`condition` of this follower, with all that it said until now."""
        def holds():
            self._update()
            return condition(self)

        try:
            return eventually(holds, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\nstate: {self.states[-1:]}\nmissing: {self.missing}\n{self.log()}") from None

    def of(self, kind):
        """The objects of a kind in the last state, None before the first."""
        return (self.states[-1] or {}).get(kind, {}) if self.states else None

    def log(self):
        self._log.flush()
        return Path(self._log.name).read_text()

    def close(self):
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        self._log.close()


class KubeSource(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.api = ApiServer()
        self.addCleanup(self.stop_api)

    def stop_api(self):
        self.api.stop()

    def follow(self, server=None, **options):
        follower = Follower(self.folder, server or f"http://127.0.0.1:{self.api.port}", **options)
        self.addCleanup(follower.close)
        return follower

    def wait_for_services(self, follower, services):
        follower.wait_for(f"services are {services}", lambda f: f.of("Service") == services)

    def follow_one_service(self, **options):
        """A follower that watches services, of which there is one."""
        self.api.put(service("a"))
        follower = self.follow(**options)
        self.wait_for_services(follower, {"default/a": [443]})
        eventually(lambda: self.api.count("services", "watch") == 1, "services are watched")
        return follower

    def change_and_see(self, follower):
        """The source has not lost its thread: one more service comes, and one goes."""
        self.api.put(service("more", 1))
        follower.wait_for("another service", lambda f: f.of("Service").get("default/more") == [1])
        self.api.delete(service("more"))
        follower.wait_for("it is gone again", lambda f: "default/more" not in f.of("Service"))


class Objects(KubeSource):
    def test_every_kind_is_listed_and_watched(self):
        kinds = [
            (manifests.gateway_class(), "GatewayClass", "slipgate"),
            (manifests.gateway(["192.0.2.1"]), "Gateway", "default/gateway"),
            (manifests.tls_route("r", ["a.example.com"], {"s": 1}), "TLSRoute", "default/r"),
            (manifests.service("s"), "Service", "default/s"),
            (manifests.endpoint_slices("s", ["192.0.2.9"])[0], "EndpointSlice", "default/s-ipv4"),
            ({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}, "Namespace", "default"),
            ({"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-1"},
              "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.1"}]}}, "Node", "node-1"),
            ({"apiVersion": f"{GATEWAY_API}/v1", "kind": "ReferenceGrant", "metadata": {"name": "g", "namespace": "default"},
              "spec": {"from": [{"group": GATEWAY_API, "kind": "TLSRoute", "namespace": "other"}],
                       "to": [{"group": "", "kind": "Service"}]}}, "ReferenceGrant", "default/g"),
        ]
        listed = self.follow()
        for item, kind, key in kinds:
            self.api.put(item)
            listed.wait_for(f"{kind} from the watch", lambda f: f.of(kind) and key in f.of(kind))
        state = listed.states[-1]
        again = self.follow()
        again.wait_for("the same from the list", lambda f: f.states)
        self.assertEqual(again.states[-1], state)
        for item, kind, key in kinds:
            self.api.delete(item)
            again.wait_for(f"{kind} is gone", lambda f: key not in f.of(kind))

    def test_only_annotations_of_ours_are_kept(self):
        gateway = manifests.gateway(["192.0.2.1"], source_mode="preserve")
        gateway["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"] = "x" * 1000
        gateway["metadata"]["managedFields"] = [{"manager": "kubectl"}]
        self.api.put(gateway)
        self.follow().wait_for("the gateway", lambda f: f.of("Gateway") == {
            "default/gateway": {"slipgate.dev/source-mode": "preserve"}})

    def test_an_object_that_breaks_a_rule_is_left_out_and_named(self):
        bad = manifests.tls_route("r", ["a.example.com"], {"s": 1})
        bad["spec"]["rules"] *= 2
        self.api.put(bad, service("a"))
        follower = self.follow()
        self.wait_for_services(follower, {"default/a": [443]})
        self.assertEqual(follower.of("TLSRoute"), {})
        self.assertIn("spec.rules", follower.of("problems")["TLSRoute default/r"])
        self.assertEqual(follower.log().count("spec.rules"), 1)
        self.api.put(manifests.tls_route("r", ["a.example.com"], {"s": 1}))
        follower.wait_for("the repaired one", lambda f: f.of("TLSRoute") and not f.of("problems"))

    def test_fields_of_a_newer_api_server_do_no_harm(self):
        new = service("a")
        new["spec"]["newField"] = {"a": 1}
        self.api.put(new)
        follower = self.follow()
        self.wait_for_services(follower, {"default/a": [443]})
        self.assertEqual(follower.of("problems"), {})

    def test_an_update_that_changes_nothing_used_is_no_new_state(self):
        follower = self.follow_one_service()
        states = len(follower.states)
        same = service("a")
        same["status"] = {"loadBalancer": {"ingress": [{"ip": "192.0.2.7"}]}}
        self.api.put(same)
        self.api.repeat("services")
        self.change_and_see(follower)
        self.assertEqual(len(follower.states), states + 2, "one for each change that counts")


class Lists(KubeSource):
    def test_pages(self):
        self.api.page = 2
        self.api.put(*[service(f"s{i}", i + 1) for i in range(5)])
        follower = self.follow()
        self.wait_for_services(follower, {f"default/s{i}": [i + 1] for i in range(5)})
        self.assertEqual(self.api.count("services", "list"), 3)
        self.assertEqual(len(follower.states), 1, "the first state is complete")
        self.change_and_see(follower)

    def test_a_list_that_fails_is_tried_again(self):
        for fault in ("cut", "garbage", (429, "slow down", ("Retry-After", "1")), (500, "etcd"), (410, "expired")):
            with self.subTest(fault=fault):
                self.api.fail("services", "list", fault)
                self.api.put(service("a"))
                follower = self.follow()
                self.wait_for_services(follower, {"default/a": [443]})
                follower.close()

    def test_nothing_is_told_before_every_kind_was_listed(self):
        self.api.put(service("a"))
        self.api.forbidden.add(("endpointslices", "list"))
        follower = self.follow()
        follower.wait_for("the missing rule", lambda f: f.missing and "RBAC" in f.missing)
        self.assertEqual(follower.states, [])
        self.assertIn('RBAC does not allow to list endpointslices.discovery.k8s.io: a ClusterRole bound to the agent needs the rule '
                      '{apiGroups: ["discovery.k8s.io"], resources: ["endpointslices"], verbs: ["list", "watch"]}', follower.missing)
        self.api.forbidden.clear()
        self.wait_for_services(follower, {"default/a": [443]})

    def test_silence_ends_a_list(self):
        self.api.fail("services", "list", "silence")
        self.api.put(service("a"))
        self.wait_for_services(self.follow(silence_ms=1500), {"default/a": [443]})


class Watches(KubeSource):
    def test_lines_in_pieces(self):
        self.api.piece = 7
        self.change_and_see(self.follow_one_service())

    def test_an_end_in_order_is_followed_by_a_watch_from_there(self):
        follower = self.follow_one_service()
        self.api.put(service("b"))
        self.wait_for_services(follower, {"default/a": [443], "default/b": [443]})
        revision = self.api.revision
        self.api.end_watches("services", "in order")
        eventually(lambda: self.api.count("services", "watch") == 2, "watched again")
        watches = [request for request in self.api.requests if request.plural == "services" and request.verb == "watch"]
        self.assertEqual(watches[1].query["resourceVersion"], str(revision))
        self.assertEqual(watches[1].query["allowWatchBookmarks"], "true")
        self.assertEqual(self.api.count("services", "list"), 1)
        self.change_and_see(follower)

    def test_a_watch_that_fails_goes_on_without_a_list(self):
        for how in "within a line", "broken":
            with self.subTest(how=how):
                follower = self.follow_one_service()
                lists = self.api.count("services", "list")
                self.api.end_watches("services", how)
                self.change_and_see(follower)
                self.assertEqual(self.api.count("services", "list"), lists)
                follower.close()
                self.api.requests.clear()

    def test_a_watch_that_cannot_go_on_lists_anew(self):
        for how in "garbage", status(410, "too old resource version"), status(500, "etcd"):
            with self.subTest(how=how):
                follower = self.follow_one_service()
                self.api.end_watches("services", how)
                eventually(lambda: self.api.count("services", "list") == 2, "listed anew")
                self.change_and_see(follower)
                follower.close()
                self.api.requests.clear()

    def test_compaction_while_the_server_was_away(self):
        follower = self.follow_one_service()
        self.api.stop()
        self.api.delete(service("a"))
        self.api.put(service("b"))
        self.api.compact()
        self.api.start()
        self.wait_for_services(follower, {"default/b": [443]})
        self.change_and_see(follower)

    def test_a_restart_is_waited_for_and_goes_on_without_a_list(self):
        follower = self.follow_one_service()
        states = len(follower.states)
        self.api.stop()
        follower.wait_for("the loss is noticed", lambda f: "Service" in f.log())
        self.api.put(service("b"))
        self.api.start()
        self.wait_for_services(follower, {"default/a": [443], "default/b": [443]})
        self.assertEqual(len(follower.states), states + 1, "nothing was forgotten meanwhile")
        self.assertEqual(self.api.count("services", "list"), 1)

    def test_silence_ends_a_watch(self):
        self.api.fail("services", "watch", "silence")
        self.api.put(service("a"))
        follower = self.follow(silence_ms=1500)
        self.wait_for_services(follower, {"default/a": [443]})
        self.change_and_see(follower)
        first, second = [request for request in self.api.requests if request[:2] == ("services", "watch")][:2]
        self.assertNotEqual(first.connection, second.connection)

    def test_rbac_that_forbids_to_watch_is_named_and_waited_for(self):
        self.api.forbidden.add(("services", "watch"))
        self.api.put(service("a"))
        follower = self.follow()
        self.wait_for_services(follower, {"default/a": [443]})
        follower.wait_for("the missing rule", lambda f: "RBAC does not allow to watch services" in f.log())
        self.api.forbidden.clear()
        self.change_and_see(follower)


class Versions(KubeSource):
    def serve_routes(self, *versions):
        self.api.served[GATEWAY_API, "v1"].remove("tlsroutes")
        for version in versions:
            self.api.served[GATEWAY_API, version] = ["tlsroutes"]

    def test_the_best_version_served_is_used(self):
        self.api.put(manifests.tls_route("r", ["a.example.com"], {"s": 1}))
        self.serve_routes("v1alpha3", "v1alpha2")
        follower = self.follow()
        follower.wait_for("the route", lambda f: f.of("TLSRoute") == {"default/r": ["a.example.com"]})

    def test_the_oldest_version_is_used_if_there_is_no_other(self):
        self.api.put(manifests.tls_route("r", ["a.example.com"], {"s": 1}))
        self.serve_routes("v1alpha2")
        follower = self.follow()
        follower.wait_for("the route", lambda f: f.of("TLSRoute") == {"default/r": ["a.example.com"]})

    def test_a_missing_crd_holds_up_nothing_and_is_named(self):
        self.serve_routes()
        follower = self.follow_one_service()
        self.assertEqual(follower.of("TLSRoute"), {})
        self.assertIn("does not serve tlsroutes.gateway.networking.k8s.io: is its CustomResourceDefinition installed?",
                      follower.log())

    def test_a_crd_that_is_removed_takes_its_objects_with_it(self):
        self.api.put(manifests.tls_route("r", ["a.example.com"], {"s": 1}))
        follower = self.follow()
        follower.wait_for("the route", lambda f: f.of("TLSRoute"))
        eventually(lambda: self.api.count("tlsroutes", "watch"), "routes are watched")
        self.serve_routes()
        self.api.end_watches("tlsroutes", "in order")
        follower.wait_for("no route", lambda f: not f.of("TLSRoute"))


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

    def follow_over_tls(self, protocol, user="client", ca="server"):
        port = self.start_proxy(protocol)
        self.api.put(service("a"))
        return self.follow(f"https://127.0.0.1:{port}", cluster={"certificate-authority": f"{ca}.crt"},
                           user={"client-certificate": f"{user}.crt", "client-key": f"{user}.key"})

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

    def test_http_2_shares_one_connection(self):
        self.assertEqual(len(self.check("http2", "HTTP/2.0")), 1)

    def test_http_1_1_works_too(self):
        self.assertGreater(len(self.check("", "HTTP/1.1")), 1)

    def test_an_unknown_ca_is_not_trusted(self):
        follower = self.follow_over_tls("http2", ca="stranger")
        follower.wait_for("the reason", lambda f: f.missing and "certificate" in f.missing)
        self.assertEqual(self.requests_seen(), set())

    def test_a_foreign_client_certificate_is_refused(self):
        follower = self.follow_over_tls("http2", user="stranger")
        follower.wait_for("the refusal", lambda f: f.missing and "400" in f.missing)
        self.assertEqual(follower.states, [])


class Credentials(KubeSource):
    def test_a_token_that_is_replaced_is_used(self):
        self.api.token = "second"
        token = self.folder / "token"
        token.write_text("first\n")
        self.api.put(service("a"))
        follower = self.follow(user={"tokenFile": "token"})
        follower.wait_for("refusals", lambda f: f.missing and "does not take the agent's credentials" in f.missing)
        token.write_text("second\n")
        self.wait_for_services(follower, {"default/a": [443]})


if __name__ == "__main__":
    unittest.main()
