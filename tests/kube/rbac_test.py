# SPDX-License-Identifier: Apache-2.0
"""
Without one of the verbs that k8s/base allows the agent says which, and serves: what it knew, or, if it is one for writing, what changes
as well. So it needs each of them.
"""

import json

from harness import eventually, main, manifests
from harness.kube import AFTER_FAILURES, PATIENCE, ServedCase
from harness.kube.base import LEASE, NAMESPACE
from harness.manifests import GATEWAY_GROUP

LEASES = "coordination.k8s.io", "leases"
EVENTS = "events.k8s.io", "events"
STATUSES = {  # where each has its first condition
    "gatewayclasses/status": ("gatewayclass/slipgate", "/status/conditions/0"),
    "gateways/status": ("gateway/gateway", "/status/conditions/0"),
    "listenersets/status": ("listenerset/more", "/status/conditions/0"),
    "tlsroutes/status": ("tlsroute/web", "/status/parents/0/conditions/0")}
LATER = 1000  # a generation that no object has
NEEDED = 'RBAC does not allow to {verb} {name}: a {role} bound to the agent needs the rule ' \
         '{{apiGroups: ["{group}"], resources: ["{resource}"], verbs: {verbs}}}'


def needed(verb, group, resource, verbs, role="ClusterRole"):
    """What is said of a rule that is missing."""
    plural, slash, sub = resource.partition("/")
    name = (f"{plural}.{group}" if group else plural) + slash + sub
    return NEEDED.format(verb=verb, name=name, role=role, group=group, resource=resource, verbs=json.dumps(verbs))


def plural(kind):
    """The name of its resource."""
    return kind.lower() + ("es" if kind.endswith("s") else "s")


class Rbac(ServedCase):
    backends = 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.cluster_role = cls.kubectl.json("get", "clusterrole", "slipgate")
        cls.role = cls.kubectl.json("get", "role", "slipgate", "--namespace", NAMESPACE)
        for role in cls.cluster_role, cls.role:
            del role["metadata"]["resourceVersion"]  # so that it can be put back over any other

    def setUp(self):
        self.host, = self.network.backends
        self.serve("web", self.host)
        self.logged = len(self.agent.log.read_text())
        self.addCleanup(self.give_back)

    def take_away(self, role, *taken):
        """Each a (group, resource, verb). Returns when one of them, and so the whole role, has taken effect."""
        rules = [rule | {"apiGroups": [group], "resources": [resource],
                         "verbs": [verb for verb in rule["verbs"] if (group, resource, verb) not in taken]}
                 for rule in role["rules"] for group in rule["apiGroups"] for resource in rule["resources"]]
        self.replace(role | {"rules": [rule for rule in rules if rule["verbs"]]})
        group, resource, verb = taken[0]
        plural, _, sub = resource.partition("/")
        thing = (f"{plural}.{group}" if group else plural) + (f"/{LEASE}" if resource == "leases" else "")
        question = "auth", "can-i", verb, thing, f"--subresource={sub}", "--namespace", NAMESPACE
        eventually(lambda: not self.account.works(*question), "it has taken effect", PATIENCE)

    def give_back(self):
        self.replace(self.cluster_role)
        self.replace(self.role)

    def replace(self, role):
        self.kubectl("replace", "--filename", "-", input=json.dumps(role))

    @staticmethod
    def verbs_of(role):
        """All that it allows: {(group, resource, verb)}"""
        return {(group, resource, verb) for rule in role["rules"] for group in rule["apiGroups"] for resource in rule["resources"]
                for verb in rule["verbs"]}

    def followed(self):
        """[(group, resource)]"""
        return sorted((group, resource) for group, resource, verb in self.verbs_of(self.cluster_role) if verb == "watch")

    def wait_until_not_followed(self, *resources, patience=PATIENCE):
        """These, while all others are."""
        def are_not_followed():
            metric = self.agent.metrics("slipgate_source_followed", "kind")
            return {plural(kind) for kind, value in metric.items() if not value} == set(resources)
        eventually(are_not_followed, f"/metrics says that these are not followed: {resources}", patience)

    def wait_for_log(self, text):
        quoted = text.replace('"', '\\"')
        eventually(lambda: quoted in self.agent.log.read_text()[self.logged:], f"the log says: {text}", PATIENCE)

    def test_these_are_all_verbs(self):
        """Each is taken away by one of the other tests."""
        self.assertEqual(self.verbs_of(self.cluster_role), {
            *((group, resource, verb) for group, resource in self.followed() for verb in ("list", "watch")),
            *((GATEWAY_GROUP, resource, verb) for resource in STATUSES for verb in ("get", "patch")),
            (*EVENTS, "create")})
        self.assertEqual(self.verbs_of(self.role), {(*LEASES, verb) for verb in ("create", "get", "patch")})

    def test_kinds_that_cannot_be_listed_are_named_and_nothing_changes_without_them(self):
        """Those of one rule at a time."""
        tables = self.agent.tables()
        for rule in self.cluster_role["rules"]:
            if "list" not in rule["verbs"]:
                continue
            group, = rule["apiGroups"]
            with self.subTest(resources=rule["resources"]):
                self.agent.terminate()
                self.take_away(self.cluster_role, *((group, resource, "list") for resource in rule["resources"]))
                self.agent.launch()
                for resource in rule["resources"]:
                    text = needed("list", group, resource, ["list", "watch"])
                    eventually(lambda: text in (self.agent.get("/readyz") or ("", ""))[1], "/readyz says so", PATIENCE)
                    self.wait_for_log(text)
                self.assertEqual(self.agent.get("/readyz")[0], 503)
                self.wait_until_not_followed(*rule["resources"])
                self.expect("web", self.host)
                self.assertEqual(self.agent.tables(), tables)
                self.give_back()
                eventually(self.agent.ready, "the agent is ready", AFTER_FAILURES)
                self.assertEqual(self.agent.tables(), tables)

    def test_each_kind_that_cannot_be_watched_is_named(self):
        """It is served as it was listed; what changes meanwhile is seen when it can."""
        self.agent.terminate()
        self.take_away(self.cluster_role, *((group, resource, "watch") for group, resource in self.followed()))
        self.agent.start()
        self.expect("web", self.host)
        for group, resource in self.followed():
            self.wait_for_log(needed("watch", group, resource, ["list", "watch"]))
        self.wait_until_not_followed(*(resource for _, resource in self.followed()))
        self.apply(*manifests.backend("late", self.host.address.values()))
        self.route("late")
        self.expect("late")
        self.give_back()
        self.expect("late", self.host, patience=AFTER_FAILURES)
        self.wait_until_not_followed(patience=AFTER_FAILURES)  # all are followed, though most have nothing to tell

    def apply_one_of_each(self):
        """All objects of STATUSES are there, and have one."""
        self.kubectl.apply(manifests.gateway(self.network.vip.values(), listener_sets="All"))
        self.apply(manifests.listener_set("more", 8443))
        self.kubectl.wait("listenerset/more", "condition=Programmed")

    def forbidden(self):
        """Requests to write a status."""
        return self.agent.metrics("slipgate_status_writes_total", "result")["forbidden"]

    def change_status(self, thing, path, field, value):
        """Of the condition at the path, as somebody else would."""
        patch = [{"op": "replace", "path": f"{path}/{field}", "value": value}]
        self.kubectl("patch", thing, "--subresource=status", "--type=json", "--patch", json.dumps(patch))

    def test_each_status_that_cannot_be_written_is_named(self):
        self.apply_one_of_each()
        before = self.forbidden()
        self.take_away(self.cluster_role, *((GATEWAY_GROUP, resource, "patch") for resource in STATUSES))
        for thing, path in STATUSES.values():
            self.change_status(thing, path, "message", "by another")
        for resource in STATUSES:
            self.wait_for_log(needed("patch", GATEWAY_GROUP, resource, ["get", "patch"]))
        eventually(lambda: self.forbidden() >= before + len(STATUSES), "each is counted", PATIENCE)
        self.serve("meanwhile", self.host)
        for thing, _ in STATUSES.values():
            self.assertIn("by another", self.kubectl("get", thing, "--output", "yaml"))
        self.take_away(self.cluster_role, *((GATEWAY_GROUP, resource, "patch") for resource in STATUSES if resource != "tlsroutes/status"))
        self.kubectl.wait_until_accepted("meanwhile")  # the kinds that cannot be written hold up no other
        self.assertIn("by another", self.kubectl("get", "gateway/gateway", "--output", "yaml"))
        self.give_back()
        for thing, _ in STATUSES.values():
            self.kubectl.eventually(lambda item: "by another" not in str(item), f"the status of {thing} is written", thing,
                                    patience=AFTER_FAILURES)
        self.wait_for_log("writing works again")

    def test_each_status_that_cannot_be_read_is_named(self):
        """It is read before conditions are replaced that are of a later generation than the object has."""
        self.apply_one_of_each()
        self.take_away(self.cluster_role, *((GATEWAY_GROUP, resource, "get") for resource in STATUSES))
        for thing, path in STATUSES.values():
            self.change_status(thing, path, "observedGeneration", LATER)
        for resource in STATUSES:
            self.wait_for_log(needed("get", GATEWAY_GROUP, resource, ["get", "patch"]))
        self.serve("meanwhile", self.host)
        self.give_back()
        for thing, _ in STATUSES.values():
            self.kubectl.eventually(lambda item: f"'observedGeneration': {LATER}" not in str(item), f"the status of {thing}", thing,
                                    patience=AFTER_FAILURES)

    def test_the_rule_for_events_that_is_missing_is_named(self):
        self.take_away(self.cluster_role, (*EVENTS, "create"))
        self.route("bad", {"missing": 1})
        self.wait_for_log(needed("create", *EVENTS, ["create"]))
        eventually(lambda: self.agent.metrics("slipgate_events_total", "result")["failed"], "it is counted", PATIENCE)
        self.kubectl.wait_until_accepted("bad")
        self.give_back()
        self.route("worse", {"missing": 1})
        eventually(lambda: "BackendNotFound" in self.kubectl("describe", "tlsroute", "worse").partition("\nEvents:")[2],
                   "an Event is created", PATIENCE)

    def test_each_verb_for_the_lease_that_is_missing_is_named_and_changes_are_served(self):
        """By an agent that starts: it creates the Lease, or reads the one that is there, and keeps it."""
        self.agent.terminate()
        self.kubectl("delete", "lease", LEASE, "--namespace", NAMESPACE)
        self.take_away(self.role, (*LEASES, "create"))
        self.agent.start()
        self.expect_served_without("create")
        self.take_away(self.role, (*LEASES, "get"))
        self.expect_served_without("get")
        self.take_away(self.role, (*LEASES, "patch"))  # it creates one, and is the writer until it would have to renew it
        self.expect_served_without("patch")
        self.give_back()
        self.kubectl.wait_until_accepted("without-patch")

    def expect_served_without(self, verb):
        self.wait_for_log(needed(verb, *LEASES, ["create", "get", "patch"], "Role"))
        eventually(lambda: self.agent.metric("slipgate_status_writer") == 0, "nobody writes", PATIENCE)
        self.serve(f"without-{verb}", self.host)
        self.assertNotIn("status", self.kubectl.json("get", "tlsroute", f"without-{verb}"))


if __name__ == "__main__":
    main()
