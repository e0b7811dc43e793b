# SPDX-License-Identifier: Apache-2.0
"""Tests of Statuses: what `kubectl get` and `kubectl describe` show of each kind, while all is well and when something is wrong."""

import re

from harness import eventually, manifests
from harness.kube import PATIENCE

CONDITION = re.compile(r"Message: +(.*)\n *Observed Generation: +\d+\n *Reason: +(.*)\n *Status: +(.*)\n *Type: +(.*)\n")
EVENT = re.compile(rf"^  (Warning|Normal) +(\S+) .* {manifests.CONTROLLER}\S* +(.*)$", re.MULTILINE)
NO_LISTENER = "no listener is accepted; see their conditions"
HTTP = "protocol HTTP is not supported; supported is TLS"


class Shown:
    def test_kubectl_get_shows_each_kind_that_is_well(self):
        self.expect_columns("gatewayclass/slipgate", CONTROLLER=manifests.CONTROLLER, ACCEPTED="True")
        self.expect_columns("gateway/gateway", CLASS="slipgate", ADDRESS=next(iter(self.network.vip.values())), PROGRAMMED="True")
        self.expect_columns("listenerset/more", ACCEPTED="True", PROGRAMMED="True")
        self.expect_columns("tlsroute/web")

    def test_a_class_that_is_not_accepted_is_shown(self):
        bad = manifests.gateway_class("with-parameters")
        bad["spec"]["parametersRef"] = {"group": "acme.example", "kind": "Parameters", "name": "p"}
        self.objects.append(bad)
        self.kubectl.apply(bad)
        self.expect_columns("gatewayclass/with-parameters", CONTROLLER=manifests.CONTROLLER, ACCEPTED="False")
        message = "spec.parametersRef is not supported: Slipgate has no parameters resource"
        self.expect_told("gatewayclass/with-parameters", ("Accepted", "False", "InvalidParameters", message))
        self.expect_events("gatewayclass/with-parameters", ("Warning", "InvalidParameters", message))

    def test_a_gateway_that_is_not_programmed_is_shown_and_so_is_its_listener_set(self):
        self.kubectl.wait("gateway/gateway", "condition=Programmed")
        self.assertEqual(self.events("gateway/gateway"), set())
        self.patch("gateway/gateway", [{"op": "replace", "path": "/spec/listeners/0/protocol", "value": "HTTP"},
                                       {"op": "remove", "path": "/spec/listeners/0/tls"}])
        self.expect_columns("gateway/gateway", CLASS="slipgate", ADDRESS="", PROGRAMMED="False")
        self.expect_told("gateway/gateway", ("Accepted", "False", "ListenersNotValid", NO_LISTENER),
                         ("Programmed", "False", "Invalid", "the Gateway is not accepted"),
                         ("Accepted", "False", "UnsupportedProtocol", HTTP))
        warnings = [("Warning", "ListenersNotValid", NO_LISTENER), ("Warning", "UnsupportedProtocol", f"listener tls: {HTTP}")]
        self.expect_events("gateway/gateway", *warnings)
        self.expect_columns("listenerset/more", ACCEPTED="False", PROGRAMMED="False")
        refused = "ParentNotAccepted", "Gateway default/gateway is not accepted"
        self.expect_told("listenerset/more", ("Accepted", "False", *refused))
        self.expect_events("listenerset/more", ("Warning", *refused))
        self.patch("gateway/gateway", [{"op": "replace", "path": "/spec/listeners/0/protocol", "value": "TLS"},
                                       {"op": "add", "path": "/spec/listeners/0/tls", "value": {"mode": "Passthrough"}}])
        for thing in "gateway/gateway", "listenerset/more":
            self.kubectl.wait(thing, "condition=Programmed")
            self.expect_events(thing, ("Normal", "Programmed", "accepted listeners are served on all addresses"))

    def test_a_listener_set_that_is_not_allowed_is_shown(self):
        self.patch("gateway/gateway", [{"op": "replace", "path": "/spec/allowedListeners/namespaces/from", "value": "None"}])
        self.expect_columns("listenerset/more", ACCEPTED="False", PROGRAMMED="False")
        refused = "NotAllowed", "spec.allowedListeners of Gateway default/gateway takes no ListenerSets from namespace default"
        self.expect_told("listenerset/more", ("Accepted", "False", *refused), ("Programmed", "False", *refused))
        self.expect_events("listenerset/more", ("Warning", *refused))

    def test_a_route_that_is_not_served_is_shown_in_describe(self):
        """`kubectl get` has no column for it: the CRD prints none."""
        self.patch("tlsroute/web", [{"op": "replace", "path": "/spec/rules/0/backendRefs/0/name", "value": "nobody"},
                                    {"op": "add", "path": "/spec/parentRefs/0/sectionName", "value": "none"}])
        unknown, no_service = "the Gateway has no listener named none", "Service default/nobody does not exist"
        self.expect_told("tlsroute/web", ("Accepted", "False", "NoMatchingParent", unknown),
                         ("ResolvedRefs", "False", "BackendNotFound", no_service))
        where = "Gateway gateway none: "
        self.expect_events("tlsroute/web", ("Warning", "NoMatchingParent", where + unknown),
                           ("Warning", "BackendNotFound", where + no_service))
        self.expect_columns("tlsroute/web")
        self.patch("gateway/gateway", [{"op": "replace", "path": "/spec/listeners/0/name", "value": "none"}])
        self.expect_events("tlsroute/web", ("Normal", "Accepted", where + "attached to: none"))

    def expect_columns(self, thing, **wanted):
        """`kubectl get` prints these, the name and the age."""
        def shown():
            header, line = self.kubectl("get", thing).splitlines()
            return {column[0].strip(): line[slice(*column.span())].strip() for column in re.finditer(r"\S+ *", header)}
        wanted |= {"NAME": thing.partition("/")[2]}
        eventually(lambda: {key: value for key, value in shown().items() if key != "AGE"} == wanted, f"{thing}: {wanted}", PATIENCE)
        self.assertRegex(shown()["AGE"], r"^\d+")

    def expect_told(self, thing, *wanted):
        """`kubectl describe` shows these conditions, of the object, its listeners or its parents: (type, status, reason, message)."""
        def told():
            found = CONDITION.findall(self.kubectl("describe", thing))
            return {(kind, status, reason, message) for message, reason, status, kind in found}
        eventually(lambda: set(wanted) <= told(), f"{thing}: {wanted}", PATIENCE)

    def expect_events(self, thing, *wanted):
        """`kubectl describe` shows these: (type, reason, message)."""
        eventually(lambda: set(wanted) <= self.events(thing), f"Events of {thing}: {wanted}", PATIENCE)

    def events(self, thing):
        return set(EVENT.findall(self.kubectl("describe", thing)))
