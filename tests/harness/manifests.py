# SPDX-License-Identifier: Apache-2.0
"""Gateway API objects as the files that `slipgated --manifests` reads. JSON is YAML, so json writes them."""

import json
import os

GATEWAY_GROUP = "gateway.networking.k8s.io"
GATEWAY_API = f"{GATEWAY_GROUP}/v1"
CONTROLLER = "slipgate.dev/gateway-controller"


def _object(api, kind, name, namespace="default", **rest):
    metadata = {"name": name} | ({"namespace": namespace} if namespace else {})
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **rest}


def gateway_class(name="slipgate"):
    return _object(GATEWAY_API, "GatewayClass", name, None, spec={"controllerName": CONTROLLER})


def _listener(port, hostname):
    return {"name": "tls", "protocol": "TLS", "port": port, "tls": {"mode": "Passthrough"},
            "allowedRoutes": {"namespaces": {"from": "All"}}} | ({"hostname": hostname} if hostname else {})


def gateway(addresses, port=443, name="gateway", hostname=None, source_mode=None, listener_sets="None"):
    """`listener_sets`: the namespaces they may be from."""
    made = _object(GATEWAY_API, "Gateway", name, spec={
        "gatewayClassName": "slipgate", "listeners": [_listener(port, hostname)],
        "allowedListeners": {"namespaces": {"from": listener_sets}},
        "addresses": [{"type": "IPAddress", "value": address} for address in addresses]})
    if source_mode:
        made["metadata"]["annotations"] = {"slipgate.dev/source-mode": source_mode}
    return made


def listener_set(name, port=443, hostname=None, gateway="gateway"):
    return _object(GATEWAY_API, "ListenerSet", name, spec={"parentRef": {"name": gateway}, "listeners": [_listener(port, hostname)]})


def tls_route(name, hostnames, backends, *parents, parent_kind="Gateway"):
    """`backends`: {service: weight}, one of another namespace as namespace/service. Without `parents`, its parent is "gateway"."""
    parent_refs = [{"kind": parent_kind, "name": parent} for parent in parents or ["gateway"]]
    refs = [_service_ref(service) | {"port": 443, "weight": weight} for service, weight in backends.items()]
    return _object(GATEWAY_API, "TLSRoute", name, spec={
        "parentRefs": parent_refs, "hostnames": hostnames, "rules": [{"backendRefs": refs}]})


def _service_ref(service):
    namespace, _, name = service.rpartition("/")
    return {"name": name} | ({"namespace": namespace} if namespace else {})


def reference_grant(namespace):
    """TLSRoutes of `default` may refer to the Services of `namespace`."""
    return _object(GATEWAY_API, "ReferenceGrant", "routes", namespace, spec={
        "from": [{"group": GATEWAY_GROUP, "kind": "TLSRoute", "namespace": "default"}],
        "to": [{"group": "", "kind": "Service"}]})


def service(name, namespace="default"):
    return _object("v1", "Service", name, namespace, spec={"ports": [{"name": "tls", "protocol": "TCP", "port": 443}]})


def endpoint_slices(service, addresses, port=8443, nodes=None, namespace="default"):
    """One slice for each address family in `addresses`. `nodes`: {address: name of its node}."""
    def endpoint(address):
        node = (nodes or {}).get(address)
        return {"addresses": [address]} | ({"nodeName": node} if node else {})
    slices = []
    for kind, found in ("IPv4", [a for a in addresses if ":" not in a]), ("IPv6", [a for a in addresses if ":" in a]):
        if found:
            slices.append(_object("discovery.k8s.io/v1", "EndpointSlice", f"{service}-{kind.lower()}", namespace, addressType=kind,
                                  endpoints=[endpoint(address) for address in found],
                                  ports=[{"name": "tls", "protocol": "TCP", "port": port}]))
            slices[-1]["metadata"]["labels"] = {"kubernetes.io/service-name": service}
    return slices


def backend(name, addresses, port=8443, nodes=None, namespace="default"):
    """A Service with its EndpointSlices."""
    return [service(name, namespace), *endpoint_slices(name, addresses, port, nodes, namespace)]


class Folder:
    """The watched folder. Files are replaced by rename, as the agent expects of a careful editor."""

    def __init__(self, path):
        self.path = path
        path.mkdir(exist_ok=True)

    def write(self, file, objects):
        text = "".join(f"---\n{json.dumps(item, indent=2)}\n" for item in objects)
        new = self.path / f".{file}.new"
        new.write_text(text)
        os.rename(new, self.path / f"{file}.yaml")

    def remove(self, file):
        os.remove(self.path / f"{file}.yaml")
