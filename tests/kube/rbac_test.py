# SPDX-License-Identifier: Apache-2.0
"""Without one of its rules the agent says which, and serves: what it knew, or, if it is a rule for writing, what changes as well."""

import copy
import json

from harness import eventually, main, manifests
from harness.kube import PATIENCE, ServedCase

SYSTEM = "slipgate-system"
GATEWAY_API = "gateway.networking.k8s.io"
MESSAGE = "/conditions/0/message"  # below an object's status
STATUSES = {"gatewayclasses": ("gatewayclass/slipgate", MESSAGE), "gateways": ("gateway/gateway", MESSAGE),
            "listenersets": ("listenerset/more", MESSAGE), "tlsroutes": ("tlsroute/web", f"/parents/0{MESSAGE}")}
NEEDED = 'RBAC does not allow to {verb} {name}: a {role} bound to the agent needs the rule ' \
         '{{apiGroups: ["{group}"], resources: ["{resource}"], verbs: {verbs}}}'


def needed(verb, group, resource, verbs, role="ClusterRole"):
    """What is said of a rule that is missing."""
    plural, slash, sub = resource.partition("/")
    name = (f"{plural}.{group}" if group else plural) + slash + sub
    return NEEDED.format(verb=verb, name=name, role=role, group=group, resource=resource, verbs=json.dumps(verbs))


class Rbac(ServedCase):
    backends = 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster_role = cls.kubectl.json("get", "clusterrole", "slipgate")
        cls.role = cls.kubectl.json("get", "role", "slipgate", "--namespace", SYSTEM)
        for role in cls.cluster_role, cls.role:
            del role["metadata"]["resourceVersion"]  # so that it can be put back over any other
        cls.account = cls.control_plane.service_account(SYSTEM, "slipgate")

    def setUp(self):
        self.host, = self.network.backends
        self.serve("web", self.host)
        self.logged = len(self.agent.log.read_text())
        self.addCleanup(self.give_back)

    def take_away(self, role, group, resource, verb):
        """Returns when it has taken effect."""
        role = copy.deepcopy(role)
        for rule in role["rules"]:
            if group in rule["apiGroups"] and verb in rule["verbs"]:
                rule["resources"] = [one for one in rule["resources"] if one != resource]
        role["rules"] = [rule for rule in role["rules"] if rule["resources"]]
        self.replace(role)
        plural, _, sub = resource.partition("/")
        question = "auth", "can-i", verb, f"{plural}.{group}" if group else plural, f"--subresource={sub}", "--namespace", SYSTEM
        eventually(lambda: not self.account.works(*question), "it has taken effect", PATIENCE)

    def give_back(self):
        self.replace(self.cluster_role)
        self.replace(self.role)

    def replace(self, role):
        self.kubectl("replace", "--filename", "-", input=json.dumps(role))

    def wait_for_log(self, text):
        quoted = text.replace('"', '\\"')
        eventually(lambda: quoted in self.agent.log.read_text()[self.logged:], f"the log says: {text}", PATIENCE)

    def wait_until_accepted(self, route):
        self.kubectl.wait(f"tlsroute/{route}", "jsonpath={.status.parents[0].conditions[?(@.type=='Accepted')].status}=True")

    def test_each_rule_for_reading_that_is_missing_is_named(self):
        followed = [(group, resource) for rule in self.cluster_role["rules"] if "watch" in rule["verbs"]
                    for group in rule["apiGroups"] for resource in rule["resources"]]
        for group, resource in followed:
            with self.subTest(resource):
                text = needed("list", group, resource, ["list", "watch"])
                self.agent.terminate()
                self.take_away(self.cluster_role, group, resource, "list")
                self.agent.launch()
                eventually(lambda: text in (self.agent.get("/readyz") or ("", ""))[1], "/readyz says so", PATIENCE)
                self.assertEqual(self.agent.get("/readyz")[0], 503)
                self.wait_for_log(text)
                self.expect("web", self.host)
                self.give_back()
                eventually(self.agent.ready, "the agent is ready", PATIENCE)
                self.expect("web", self.host)

    def test_each_rule_for_statuses_that_is_missing_is_named(self):
        self.kubectl.apply(manifests.gateway(self.network.vip.values(), listener_sets="All"))
        self.apply(manifests.listener_set("more", 8443))
        self.kubectl.wait("listenerset/more", "condition=Programmed")
        written = [resource for rule in self.cluster_role["rules"] for resource in rule["resources"] if resource.endswith("/status")]
        self.assertEqual(sorted(written), sorted(f"{plural}/status" for plural in STATUSES))
        for plural, (thing, path) in STATUSES.items():
            with self.subTest(plural):
                forbidden = self.agent.metrics("slipgate_status_writes_total", "result")["forbidden"]
                self.take_away(self.cluster_role, GATEWAY_API, f"{plural}/status", "patch")
                self.kubectl("patch", thing, "--subresource=status", "--type=json", "--patch",
                             json.dumps([{"op": "replace", "path": f"/status{path}", "value": "by another"}]))
                self.wait_for_log(needed("patch", GATEWAY_API, f"{plural}/status", ["get", "patch"]))
                eventually(lambda: self.agent.metrics("slipgate_status_writes_total", "result")["forbidden"] > forbidden, "counted", PATIENCE)
                self.serve(f"without-{plural}", self.host)
                self.assertIn("by another", self.kubectl("get", thing, "--output", "yaml"))
                self.give_back()
                self.kubectl.eventually(lambda item: "by another" not in str(item), f"the status of {thing} is written", thing)

    def test_the_rule_for_events_that_is_missing_is_named(self):
        self.take_away(self.cluster_role, "events.k8s.io", "events", "create")
        self.route("bad", {"missing": 1})
        self.wait_for_log(needed("create", "events.k8s.io", "events", ["create"]))
        eventually(lambda: self.agent.metrics("slipgate_events_total", "result")["failed"], "it is counted", PATIENCE)
        self.wait_until_accepted("bad")
        self.give_back()
        self.route("worse", {"missing": 1})
        eventually(lambda: "BackendNotFound" in self.kubectl("describe", "tlsroute", "worse").partition("\nEvents:")[2],
                   "an Event is created", PATIENCE)

    def test_each_rule_for_the_lease_that_is_missing_is_named_and_changes_are_served(self):
        for verb in "patch", "create":
            with self.subTest(verb):
                self.take_away(self.role, "coordination.k8s.io", "leases", verb)
                if verb == "create":
                    self.kubectl("delete", "lease", "slipgate-status-writer", "--namespace", SYSTEM)
                self.wait_for_log(needed(verb, "coordination.k8s.io", "leases", ["create", "get", "patch"], "Role"))
                eventually(lambda: self.agent.metric("slipgate_status_writer") == 0, "nobody writes", PATIENCE)
                self.serve(f"without-{verb}", self.host)
                self.assertNotIn("status", self.kubectl.json("get", "tlsroute", f"without-{verb}"))
                self.give_back()
                self.wait_until_accepted(f"without-{verb}")


if __name__ == "__main__":
    main()
