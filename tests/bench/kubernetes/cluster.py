# SPDX-License-Identifier: Apache-2.0
"""A control plane with as many objects as asked for, and requests to it on connections that are kept."""

import ipaddress
import threading

import harness.kube
from harness import manifests

PATHS = {"TLSRoute": f"/apis/{manifests.GATEWAY_API}/namespaces/default/tlsroutes",
         "Service": "/api/v1/namespaces/default/services",
         "EndpointSlice": "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices"}
ENDPOINTS = ipaddress.ip_network("10.128.0.0/14")  # every address of it is one host's
SPARE = 1 << 17  # from here on addresses that no Service has at first


class Api(harness.kube.Api):
    """By kind and name."""

    def create(self, item):
        self.request("POST", PATHS[item["kind"]], item)

    def patch(self, kind, name, change):
        self.request("PATCH", f"{PATHS[kind]}/{name}", change, "application/merge-patch+json")

    def delete(self, kind, name):
        self.request("DELETE", f"{PATHS[kind]}/{name}", {})


def hostname(number):
    return f"host{number}.bench.example.com"


def address(number):
    return str(ENDPOINTS[number])


def slice_of(number, addresses):
    return manifests.endpoint_slices(f"service{number}", addresses)[0]


def objects(count, endpoints):
    """`count` TLSRoutes, each to a Service of its own with as many `endpoints`."""
    for number in range(count):
        yield manifests.service(f"service{number}")
        yield slice_of(number, [address(number * endpoints + n) for n in range(endpoints)])
        yield manifests.tls_route(f"route{number}", [hostname(number)], {f"service{number}": 1})


def create(space, kubeconfig, items, threads=8):
    """Creates them, several at a time, and returns when all are there."""
    remaining, lock, failures = iter(items), threading.Lock(), []

    def work():
        try:
            api = Api(space, kubeconfig)
            while not failures:
                with lock:
                    item = next(remaining, None)
                if item is None:
                    return api.close()
                api.create(item)
        except Exception as failure:
            failures.append(failure)
        return None

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if failures:
        raise failures[0]
