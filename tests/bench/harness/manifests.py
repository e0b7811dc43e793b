# SPDX-License-Identifier: Apache-2.0
"""The Gateway API objects of the benchmark: one Gateway, one route, one Service. JSON is YAML, so json writes them."""

import json

from . import https, network

GATEWAY_API = "gateway.networking.k8s.io/v1"


def bench_objects(index, sni):
    addresses = [network.gateway_address(index, family) for family in (4, 6)]
    objects = [
        _object(GATEWAY_API, "GatewayClass", "slipgate", {"controllerName": "slipgate.dev/gateway-controller"}, namespace=None),
        _object(GATEWAY_API, "Gateway", "bench", {
            "gatewayClassName": "slipgate",
            "addresses": [{"type": "IPAddress", "value": address} for address in addresses],
            "listeners": [{"name": "tls", "protocol": "TLS", "port": network.PORT, "tls": {"mode": "Passthrough"}}]}),
        *_route("bench", sni, network.SERVER_PORT, index),
        *_route("https", https.NAME, https.TLS_PORT, index),
    ]
    return "---\n".join(json.dumps(each, indent=1) + "\n" for each in objects)


def _route(name, sni, port, index):
    """A TLSRoute, its Service, and the server's addresses as endpoints."""
    yield _object(GATEWAY_API, "TLSRoute", name, {
        "parentRefs": [{"name": "bench"}], "hostnames": [sni], "rules": [{"backendRefs": [{"name": name, "port": port}]}]})
    yield _object("v1", "Service", name, {"ports": [{"name": "tls", "protocol": "TCP", "port": port}]})
    for family in 4, 6:
        yield {"apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice",
               "metadata": {"name": f"{name}-{family}", "namespace": "default", "labels": {"kubernetes.io/service-name": name}},
               "addressType": f"IPv{family}", "ports": [{"name": "tls", "protocol": "TCP", "port": port}],
               "endpoints": [{"addresses": [address]} for address in network.server_addresses(index, family)]}


def _object(api, kind, name, spec, namespace="default"):
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api, "kind": kind, "metadata": metadata, "spec": spec}
