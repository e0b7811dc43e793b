# SPDX-License-Identifier: Apache-2.0
"""Without one of its rules the agent says which, and serves what it knew."""

import copy
import json

from harness import eventually, main
from harness.kube import PATIENCE, ServedCase


class Rbac(ServedCase):
    backends = 1

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.role = cls.kubectl.json("get", "clusterrole", "slipgate")
        del cls.role["metadata"]["resourceVersion"]  # so that it can be put back over any other

    def followed(self):
        """(group, plural) of what its ClusterRole lets it watch."""
        return [(group, resource) for rule in self.role["rules"] if "watch" in rule["verbs"]
                for group in rule["apiGroups"] for resource in rule["resources"]]

    def take_away(self, group, resource):
        role = copy.deepcopy(self.role)
        for rule in role["rules"]:
            if group in rule["apiGroups"] and "watch" in rule["verbs"]:
                rule["resources"] = [one for one in rule["resources"] if one != resource]
        role["rules"] = [rule for rule in role["rules"] if rule["resources"]]
        self.replace(role)

    def give_back(self):
        self.replace(self.role)

    def replace(self, role):
        self.kubectl("replace", "--filename", "-", input=json.dumps(role))

    def test_each_rule_that_is_missing_is_named(self):
        host, = self.network.backends
        self.serve("web", host)
        for group, resource in self.followed():
            with self.subTest(resource):
                name = f"{resource}.{group}" if group else resource
                needed = f'RBAC does not allow to list {name}: a ClusterRole bound to the agent needs the rule ' \
                         f'{{apiGroups: ["{group}"], resources: ["{resource}"], verbs: ["list", "watch"]}}'
                self.agent.terminate()
                self.take_away(group, resource)
                self.agent.launch()
                eventually(lambda: needed in (self.agent.get("/readyz") or ("", ""))[1], "/readyz says so", PATIENCE)
                self.assertEqual(self.agent.get("/readyz")[0], 503)
                quoted = needed.replace('"', '\\"')
                eventually(lambda: quoted in self.agent.log.read_text(), "the log says so", PATIENCE)
                self.expect("web", host)
                self.give_back()
                eventually(self.agent.ready, "the agent is ready", PATIENCE)
                self.expect("web", host)


if __name__ == "__main__":
    main()
