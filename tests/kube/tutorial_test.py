# SPDX-License-Identifier: Apache-2.0
"""docs/kubernetes.md, command by command: kubectl and curl print what the document shows, and every object has its conditions."""

import re
import unittest
from fractions import Fraction

from harness import eventually, main
from harness.binomial import bounds
from harness.kube import PATIENCE, cert_manager
from harness.kube.tutorial import DOCUMENT, MANIFESTS, Tutorial
from harness.kube.walkthrough import steps_of
from harness.statuses import conditions
from tutorial_conditions import AFTER

CERTIFICATE = "10-certificate.yaml"  # for clusters with cert-manager, so no command of the document uses it
WITH_CONDITIONS = "gatewayclasses,gateways,listenersets,tlsroutes"
CANARY = Fraction(10, 90 + 10)  # by the weights of its manifest
CONNECTIONS = 200  # the document's: by chance, 7 of 10 million runs are out of bounds; an even split is in them in 1 of 10^16, 100/0 never


class Walk(unittest.TestCase):
    maxDiff = None

    def test_it_prints_what_the_document_shows(self):
        tutorial = Tutorial()
        self.addCleanup(tutorial.close)
        tutorial.start()
        wanted = {}
        for step in tutorial.steps():
            with self.subTest(step.title, command=step.command):
                played = tutorial.walkthrough.play(step)
                self.assertTrue(played.as_expected, f"\n{played.printed}\nis not\n{step.expected}")
                before, wanted = wanted, conditions_after(step.command, wanted)
                if wanted != before:
                    self.expect_conditions(tutorial.kubectl, wanted)
                if "uniq -c" in step.command:
                    self.expect_split(played.printed)
        self.expect_refusals(tutorial.agent, {("unknown.example.com", "no_route"), ("backend.example.com", "no_backend")})
        self.expect_certificate(tutorial.kubectl)
        self.expect_conditions(tutorial.kubectl, wanted)

    def expect_conditions(self, kubectl, wanted):
        """All objects of the cluster have these and no others, and of their generation."""
        def found():
            return {key: told for item in kubectl.json("get", WITH_CONDITIONS, "--all-namespaces")["items"]
                    for key, told in conditions_of(item)}
        try:
            eventually(lambda: found() == wanted, "conditions", PATIENCE)
        except AssertionError:
            self.assertEqual(found(), wanted)

    def expect_split(self, printed):
        """As chance allows, of `uniq -c`."""
        counts = {name: int(count) for count, name in map(str.split, printed.splitlines())}
        self.assertEqual(sum(counts.values()), CONNECTIONS)
        least, greatest = bounds(CONNECTIONS, CANARY)
        self.assertTrue(least <= counts["api-canary"] <= greatest, f"{counts}, not {least} to {greatest} for the canary")

    def expect_refusals(self, agent, wanted):
        """The access log says why the connections were reset that the document shows so."""
        eventually(lambda: wanted <= {(line["sni"], line["reason"]) for line in agent.access_log(event="refused")}, f"{wanted}", PATIENCE)

    def expect_certificate(self, kubectl):
        """The last manifest makes a certificate for a name that is routed, in the Secret of the server that it is routed to."""
        cert_manager.install_kinds(kubectl)
        kubectl("apply", "--filename", MANIFESTS / CERTIFICATE)
        certificate = kubectl.json("get", "certificates.cert-manager.io", "api-cert")["spec"]
        deployments = [item for item in kubectl.json("get", "deployments")["items"]
                       for volume in item["spec"]["template"]["spec"]["volumes"]
                       if volume.get("secret", {}).get("secretName") == certificate["secretName"]]
        servers = {item["metadata"]["name"] for item in deployments}
        routed = {ref["name"] for item in kubectl.json("get", "tlsroutes")["items"] for ref in item["spec"]["rules"][0]["backendRefs"]
                  if set(item["spec"]["hostnames"]) & set(certificate["dnsNames"])}
        self.assertTrue(servers & routed, f"{servers} have its Secret, its names lead to {routed}")

    def test_it_uses_every_manifest(self):
        commands = "".join(step.command for step in steps_of(DOCUMENT.read_text()))
        for file in MANIFESTS.iterdir():
            with self.subTest(file.name):
                self.assertNotEqual(file.name in commands, file.name == CERTIFICATE)


def conditions_after(command, before):
    """What the command makes of the conditions."""
    if applied := re.search(r"apply -f \S*/(\S+)", command):
        return before | AFTER[applied[1]]
    if deleted := re.match("kubectl delete tlsroute (.*)", command):
        gone = {f"TLSRoute default/{name}" for name in deleted[1].split()}
        return {key: told for key, told in before.items() if key[0] not in gone}
    return before


def conditions_of(item):
    """As in tutorial_conditions.py; those of another generation say so."""
    generation = item["metadata"]["generation"]
    for name, part, condition in conditions(item):
        stale = "" if condition.get("observedGeneration") == generation else f" for another generation than {generation}"
        yield (name, part, condition["type"]), f"{condition['status']} {condition['reason']}{stale}"


if __name__ == "__main__":
    main()
