# SPDX-License-Identifier: Apache-2.0
"""
etcd is restored from a backup. Watches of what came later are told nothing, and objects of the same name may be others: by kube_follow
and kube_write, which wait less long for news than the agent does.
"""

from harness import eventually, main, manifests
from harness.kube import PATIENCE, KubeCase, base
from harness.kube_programs import Follower, Writer
from harness.sandbox import WORK

REASON = r'jsonpath=now:{.status.parents[0].conditions[0].reason}{"\n"}'  # of Accepted, a line each time it is told
SILENCE_MS = 2000
LATER = 200  # objects that are made after the backup: so many revisions and more; an API server that starts makes a few


class Restores(KubeCase):
    backends = 0

    def run_beside(self, program):
        made = program(self.kubectl.kubeconfig, within=self.gateway.command(), silence_ms=SILENCE_MS)
        self.addCleanup(made.close)
        return made

    def create_later(self):
        self.kubectl.apply(*(manifests.service(f"later-{n}") for n in range(LATER)))

    def test_objects_are_those_of_the_earlier_time(self):
        self.apply(manifests.service("before"))
        follower = self.run_beside(Follower)
        follower.wait_for("what is there", lambda f: "default/before" in (f.of("Service") or {}))
        earlier = follower.of("Service")
        self.control_plane.back_up()
        self.create_later()
        self.kubectl("delete", "service", "before")
        follower.wait_for("what comes and goes", lambda f: f.of("Service").keys() ^ earlier.keys() ==
                          {"default/before", *(f"default/later-{n}" for n in range(LATER))})
        self.control_plane.restore()
        follower.wait_for("what was there", lambda f: f.of("Service") == earlier)

    def test_statuses_are_written_again_and_to_the_object_that_they_are_about(self):
        """Of the two routes `other` leads nowhere at first, and is another object when the backup comes back."""
        base.add_namespace(self.kubectl)
        same, other = (manifests.tls_route(name, [f"{name}.example.com"], {"web": 1}) for name in ("same", "other"))
        nowhere = manifests.tls_route("other", ["other.example.com"], {"web": 1})
        nowhere["spec"]["parentRefs"][0]["sectionName"] = "none"
        self.apply(manifests.gateway_class(), manifests.gateway(["192.0.2.1"]), manifests.service("web"), same, nowhere)
        self.control_plane.back_up()
        self.kubectl("delete", "tlsroute", "other")
        self.kubectl.apply(other)
        self.create_later()
        writer = self.run_beside(Writer)
        for route in "same", "other":
            self.kubectl.wait_until_accepted(route)
        writer.stop()
        self.control_plane.restore()
        shown = self.kubectl.start("get", "tlsroute", "other", "--watch", "--output", REASON, log=WORK / "other")
        self.addCleanup(shown.close)
        eventually(lambda: shown.log_text().split() == ["now:"], "kubectl watches it, without a status", PATIENCE)
        writer.resume()
        self.kubectl.wait_until_accepted("same")
        self.kubectl.wait("gateway/gateway", "condition=Programmed")
        eventually(lambda: len(shown.log_text().split()) > 1, "it has a status", PATIENCE)
        self.assertEqual(shown.log_text().split()[1], "now:NoMatchingParent", "that of the one that is gone is never written")


if __name__ == "__main__":
    main()
