# SPDX-License-Identifier: Apache-2.0
"""Tests of Source: statuses that something in the cluster does not let pass, or changes back; written by kube_write."""

import json
import socket
import time

from harness import eventually, manifests
from harness.kube import PATIENCE, base
from harness.kube_programs import Writer

MANY = 20  # routes: more than are written at a time
LONGEST = 30  # seconds that a webhook may take


def of_status(plural):
    """What a policy or a webhook is asked about."""
    return [{"apiGroups": [manifests.GATEWAY_GROUP], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": [f"{plural}/status"]}]


def policy(reason, plural, name):
    """The statuses of objects whose names begin so are refused: Forbidden (403) or Invalid (422). Returns what is to be applied."""
    api, called = "admissionregistration.k8s.io/v1", {"name": f"{plural}-{name}"}
    return [{"apiVersion": api, "kind": "ValidatingAdmissionPolicy", "metadata": called, "spec": {
                "matchConstraints": {"resourceRules": of_status(plural)},
                "validations": [{"expression": f"!object.metadata.name.startsWith('{name}')", "reason": reason}]}},
            {"apiVersion": api, "kind": "ValidatingAdmissionPolicyBinding", "metadata": called, "spec": {
                "policyName": called["name"], "validationActions": ["Deny"]}}]


def dead_webhook(plural, name, port=1):
    """Nobody answers when it is asked about objects whose names begin so: 500, after a second if somebody listens at the port."""
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration", "metadata": {"name": name},
            "webhooks": [{"name": "dead.example.com", "clientConfig": {"url": f"https://127.0.0.1:{port}/"}, "rules": of_status(plural),
                          "matchConditions": [{"name": "this", "expression": f"object.metadata.name.startsWith('{name}')"}],
                          "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"], "timeoutSeconds": 1}]}


class RefusedStatuses:
    def apply_served(self, *routes):
        """A Gateway, and TLSRoutes under it."""
        base.add_namespace(self.kubectl)
        self.apply(manifests.gateway_class(), manifests.gateway(["192.0.2.1"]), manifests.service("web"),
                   *(manifests.tls_route(name, [f"{name}.example.com"], {"web": 1}) for name in routes))

    def refuse(self, *objects, things):
        """They refuse the statuses of these things from now on."""
        self.apply(*objects)
        trial = "--subresource=status", "--type=merge", "--dry-run=server", "--patch", '{"status": {"conditions": [], "parents": []}}'
        for thing in things:
            eventually(lambda: not self.kubectl.works("patch", thing, *trial), f"the status of {thing} is refused", PATIENCE)

    def write(self, kubeconfig=None, **options):
        writer = Writer(kubeconfig or self.kubectl.kubeconfig, within=self.gateway.command(), **options)
        self.addCleanup(writer.close)
        self.addCleanup(writer.end)  # else the next one has to wait for the Lease
        return writer

    def accepted(self):
        """{route: its Accepted status}; without those that have none."""
        found = {}
        for item in self.kubectl.json("get", "tlsroutes")["items"]:
            for entry in item.get("status", {}).get("parents", []):
                found[item["metadata"]["name"]] = next(c["status"] for c in entry["conditions"] if c["type"] == "Accepted")
        return found

    def test_a_status_that_is_refused_holds_up_no_other_of_its_kind(self):
        refused = "a-403", "a-422", "a-500"  # they come before the others, and many of those that are tried again
        more = [f"{name}-{n}" for name in ("a-403", "a-500") for n in range(MANY)]
        others = {f"r{n}": "True" for n in range(MANY)}
        self.apply_served(*refused, *more, *others)
        self.refuse(*policy("Forbidden", "tlsroutes", "a-403"), *policy("Invalid", "tlsroutes", "a-422"), dead_webhook("tlsroutes", "a-500"),
                    things=[f"tlsroute/{name}" for name in refused])
        writer = self.write()
        eventually(lambda: self.accepted() == others, "all others have their status", PATIENCE)
        self.apply(manifests.tls_route("z-later", ["later.example.com"], {"web": 1}))
        eventually(lambda: self.accepted() == others | {"z-later": "True"}, "a later one has its", PATIENCE)
        writer.wait_for("each was tried", lambda w: all(w.writes[result] for result in ("forbidden", "rejected", "failed")))
        self.assertEqual(writer.writes["rejected"], 1)
        self.assertRegex(writer.log(), r"the API server refuses: 403 .*name=default/a-403\b")  # its own failure, not its kind's
        self.assertNotIn("RBAC", writer.log(), "no rule is missing")
        self.kubectl("patch", "tlsroute", "a-422", "--type=merge", "--patch", '{"spec": {"hostnames": ["next-generation.example.com"]}}')
        writer.wait_for("it is tried with the next generation", lambda w: w.writes["rejected"] == 2)
        self.assertEqual(writer.log().count("the API server rejects the status"), 1)

    def test_requests_that_hang_leave_room_for_others(self):
        hanging = [f"hang-{n}" for n in range(MANY)]
        self.apply_served(*hanging)
        with self.gateway.socket(socket.AF_INET) as deaf:
            deaf.bind(("127.0.0.1", 0))
            deaf.listen(1000)
            webhook = dead_webhook("tlsroutes", "hang", deaf.getsockname()[1])
            self.refuse(webhook, things=["tlsroute/hang-0"])
            writer = self.write()
            writer.wait_for("each was tried", lambda w: w.writes.get("failed", 0) >= len(hanging))
            webhook["webhooks"][0]["timeoutSeconds"] = LONGEST
            self.apply(webhook)

            def hang():
                failed = writer.writes["failed"]
                time.sleep(3)
                return writer.writes["failed"] == failed
            eventually(hang, "what is tried again hangs", PATIENCE)
            self.apply(manifests.tls_route("z-later", ["later.example.com"], {"web": 1}))
            eventually(lambda: self.accepted() == {"z-later": "True"}, "one that does not hang has its status", LONGEST // 2)
            writer.close()

    def test_what_is_refused_is_written_when_nothing_is_in_its_way_any_more(self):
        """Also a status that is rejected, though its object is the same."""
        self.apply_served("later", "web")
        denials = policy("Forbidden", "gateways", "gateway") + policy("Invalid", "tlsroutes", "later")
        self.refuse(*denials, things=["gateway/gateway", "tlsroute/later"])
        writer = self.write(rejection_ms=300)
        eventually(lambda: self.accepted() == {"web": "True"}, "the other route has its status", PATIENCE)
        writer.wait_for("they are tried in vain", lambda w: w.writes["rejected"] > 1 and w.writes["forbidden"])
        self.delete(*denials)
        self.kubectl.wait("gateway/gateway", "condition=Programmed")
        eventually(lambda: self.accepted() == {"later": "True", "web": "True"}, "both routes have theirs", PATIENCE)

    def test_a_status_that_is_changed_back_again_and_again_is_told(self):
        self.apply_served("web")
        writer = self.write()
        change = json.dumps([{"op": "replace", "path": "/status/parents/0/conditions/0/status", "value": "False"}])
        for _ in range(4):
            eventually(lambda: self.accepted() == {"web": "True"}, "it is written again", PATIENCE)
            self.kubectl("patch", "tlsroute", "web", "--subresource=status", "--type=json", "--patch", change)
        writer.wait_for("it is said", lambda w: w.log().count("somebody changes this status back again and again") == 1)
        eventually(lambda: "StatusContested" in self.kubectl("describe", "tlsroute", "web"), "an Event", PATIENCE)
