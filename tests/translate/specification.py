# SPDX-License-Identifier: Apache-2.0
"""
The conditions and reasons of the Gateway API v1.7.0, from the comments of its Go types (apis/v1: gatewayclass_types.go,
gateway_types.go, listenerset_types.go, shared_types.go, tlsroute_types.go), as far as they concern TLS passthrough: no certificates,
no filters, one rule. Deprecated and reserved ones (Scheduled, Ready, Detached, Waiting, NotReconciled) are left out.
"""

TLS_ROUTE = "TLSRoute.gateway.networking.k8s.io"

# {object: {"type status": reasons}}
REASONS = {
    "GatewayClass": {
        "Accepted True": "Accepted",
        "Accepted False": "InvalidParameters Unsupported UnsupportedVersion",
        "Accepted Unknown": "Pending",
        "SupportedVersion True": "SupportedVersion",
        "SupportedVersion False": "UnsupportedVersion"},
    "Gateway": {
        "Accepted True": "Accepted ListenersNotValid",
        "Accepted False": "ListenersNotValid Invalid InvalidParameters UnsupportedAddress",
        "Accepted Unknown": "Pending",
        "Programmed True": "Programmed",
        "Programmed False": "Invalid Pending NoResources AddressNotAssigned AddressNotUsable",
        "Programmed Unknown": "Pending"},
    "ListenerSet": {
        "Accepted True": "Accepted ListenersNotValid",
        "Accepted False": "NotAllowed ParentNotAccepted ListenersNotValid Invalid",
        "Accepted Unknown": "Pending",
        "Programmed True": "Programmed",
        "Programmed False": "Invalid ParentNotProgrammed ListenersNotValid NotAllowed PortUnavailable",
        "Programmed Unknown": "Pending"},
    "listener": {
        "Accepted True": "Accepted",
        "Accepted False": "PortUnavailable UnsupportedProtocol UnsupportedValue TooManyListeners HostnameConflict ProtocolConflict",
        "Accepted Unknown": "Pending",
        "ResolvedRefs True": "ResolvedRefs",
        "ResolvedRefs False": "InvalidRouteKinds",
        "Programmed True": "Programmed",
        "Programmed False": "Invalid Pending HostnameConflict ProtocolConflict",
        "Programmed Unknown": "Pending",
        "Conflicted True": "HostnameConflict ProtocolConflict",
        "Conflicted False": "NoConflicts",
        "OverlappingTLSConfig True": "OverlappingHostnames"},
    "TLSRoute": {
        "Accepted True": "Accepted",
        "Accepted False": "NotAllowedByListeners NoMatchingListenerHostname NoMatchingParent UnsupportedValue",
        "Accepted Unknown": "Pending",
        "ResolvedRefs True": "ResolvedRefs",
        "ResolvedRefs False": "RefNotPermitted InvalidKind BackendNotFound UnsupportedProtocol"},
}

# What the translator gives of them never, and why.
_PENDING = "each object is judged when it is read: what the CRD's default says is over then"
_REFUSED = "of an object that only the agent refuses: kube_unsupported_test.cc"
NEVER = {
    "GatewayClass Accepted False Unsupported": _REFUSED,
    "GatewayClass Accepted False UnsupportedVersion": "Slipgate goes on as well as it can, and says so in SupportedVersion",
    "GatewayClass Accepted Unknown Pending": _PENDING,
    "Gateway Accepted False Invalid": _REFUSED,
    "Gateway Accepted Unknown Pending": _PENDING,
    "Gateway Programmed Unknown Pending": _PENDING,
    "ListenerSet Accepted False Invalid": _REFUSED,
    "ListenerSet Accepted Unknown Pending": _PENDING,
    "ListenerSet Programmed False Invalid": _REFUSED,
    "ListenerSet Programmed Unknown Pending": _PENDING,
    "TLSRoute Accepted False UnsupportedValue": _REFUSED,
    "TLSRoute Accepted Unknown Pending": _PENDING,
    "listener Accepted Unknown Pending": _PENDING,
    "listener Conflicted False NoConflicts": "where there is no conflict the condition may be left out since v1.6",
    "listener Programmed Unknown Pending": _PENDING,
}

# {object: its conditions that are there always}
ALWAYS = {
    "GatewayClass": {"Accepted", "SupportedVersion"},
    "Gateway": {"Accepted", "Programmed"},
    "ListenerSet": {"Accepted", "Programmed"},
    "listener": {"Accepted", "ResolvedRefs", "Programmed"},
    "TLSRoute": {"Accepted", "ResolvedRefs"},
}

# {object: {Accepted: what Programmed may be with it}}
_NOT_ACCEPTED = {"False Invalid"}
_OF_AN_ACCEPTED = {"True Programmed", "False AddressNotAssigned", "False AddressNotUsable", "False NoResources", "False Pending"}
PROGRAMMED = {
    "Gateway": {
        "True Accepted": _OF_AN_ACCEPTED,
        "True ListenersNotValid": _OF_AN_ACCEPTED,
        "False ListenersNotValid": _NOT_ACCEPTED,
        "False InvalidParameters": _NOT_ACCEPTED,
        "False UnsupportedAddress": _NOT_ACCEPTED},
    "ListenerSet": {
        "True Accepted": {"True Programmed", "False ParentNotProgrammed", "False ListenersNotValid"},
        "True ListenersNotValid": {"True Programmed", "False ParentNotProgrammed", "False ListenersNotValid"},
        "False NotAllowed": {"False NotAllowed"},
        "False ParentNotAccepted": {"False ParentNotProgrammed"},
        "False ListenersNotValid": {"False ListenersNotValid", "False PortUnavailable", "False ParentNotProgrammed"}},
    "listener": {
        "True Accepted": {"True Programmed", "False Pending", "False Invalid"},  # Invalid: its object is not accepted
        "False HostnameConflict": {"False HostnameConflict"},
        "False ProtocolConflict": {"False ProtocolConflict"},
        "False PortUnavailable": _NOT_ACCEPTED,
        "False TooManyListeners": _NOT_ACCEPTED,
        "False UnsupportedProtocol": _NOT_ACCEPTED,
        "False UnsupportedValue": _NOT_ACCEPTED},
}

# Listeners that serve no kind of route, whatever they ask for.
SERVE_NOTHING = {"False UnsupportedProtocol", "False UnsupportedValue"}
