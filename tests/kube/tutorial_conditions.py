# SPDX-License-Identifier: Apache-2.0
"""
The conditions that each manifest of the tutorial gives its objects, those of GatewayClass, Gateways and TLSRoutes:
{file: {(object, its listener or parent, type): "status reason"}}.
"""

GATEWAY, MIXED = "tls-passthrough-gateway", "mixed-mode-gateway"


def good(item, part, *types):
    """Those whose reason is called like their type."""
    return {(item, part, condition): f"True {condition}" for condition in types}


def route(name, gateway=GATEWAY):
    return good(f"TLSRoute default/{name}", gateway, "Accepted", "ResolvedRefs")


def gateway(name, listener):
    item = f"Gateway default/{name}"
    return good(item, "", "Accepted", "Programmed") | good(item, listener, "Accepted", "ResolvedRefs", "Programmed")


AFTER = {
    "01-gateway.yaml": good("GatewayClass slipgate", "", "Accepted", "SupportedVersion") | gateway(GATEWAY, "tls-passthrough"),
    "02-backends.yaml": {},
    "03-one-host.yaml": route("api-tls-route"),
    "04-several-hosts.yaml": route("multi-service-tls") | route("admin-tls") | route("metrics-tls"),
    "05-wildcard.yaml": route("wildcard-tls"),
    "06-cross-namespace.yaml": route("backend-tls") | {
        ("TLSRoute default/backend-tls", GATEWAY, "ResolvedRefs"): "False RefNotPermitted"},
    "07-reference-grant.yaml": route("backend-tls"),
    "08-traffic-splitting.yaml": route("canary-tls"),
    "09-mixed-gateway.yaml": gateway(MIXED, "tls-passthrough") | route("mixed-tls", MIXED) | {
        (f"Gateway default/{MIXED}", "", "Accepted"): "True ListenersNotValid",
        (f"Gateway default/{MIXED}", "https-terminate", "Accepted"): "False UnsupportedProtocol",
        (f"Gateway default/{MIXED}", "https-terminate", "ResolvedRefs"): "False InvalidRouteKinds",
        (f"Gateway default/{MIXED}", "https-terminate", "Programmed"): "False Invalid"},
}
